/**
 * The scripts that run on the target. Each is one line of POSIX sh without `'` and `!`, so that shellQuote's form of
 * it means the same to every login shell; a test holds them to that. Everything that varies is a positional argument.
 */

/** hash FILE: its SHA-256 in hex, with whatever program is there. */
const HASH = 'hash() { { sha256sum <"$1" || shasum -a 256 <"$1" || busybox sha256sum <"$1" || openssl dgst -sha256 -r <"$1"; } 2>/dev/null | cut -c1-64; }; ';

/** mine DIR: it is a folder (no link) of this user that nobody else can enter. */
const MINE = 'mine() { [ -d "$1" ] && [ -O "$1" ] || return 1; [ -L "$1" ] && return 1; case "$(ls -ld "$1")" in drwx------*) return 0;; esac; return 1; }; ';

/** Where a root-owned loader with rights of its own may be installed by an administrator. */
export const INSTALLED_LOADER = '/usr/local/lib/ringlight/ringlight-loader';

/** Parents of our private folder `ringlight-<uid>`, best first; the scripts know them by number. */
const PLACES = 'place() { case "$1" in 0) echo "$XDG_RUNTIME_DIR";; 1) echo "$HOME/.cache";; 2) echo /tmp;; 3) echo /dev/shm;; esac; }; ';
export const PLACE_COUNT = 4;

/**
 * Arguments: marker, then machine and SHA-256 pairs. Prints the marker, facts as `key=value` lines, the path of a
 * loader that is there already and whole, and the marker again. Then it waits for the end of its stdin: this is
 * the session that holds the shared connection open.
 */
export const PROBE = `${HASH}${MINE}${PLACES}`
  + 'mark="$1"; shift; echo "$mark"; uid="$(id -u)"; machine="$(uname -m)"; '
  + 'echo "system=$(uname -s)"; echo "machine=$machine"; echo "kernel=$(uname -r)"; echo "uid=$uid"; echo "user=$(id -un)"; '
  + 'for name in HOME PATH USER LOGNAME SHELL LANG XDG_RUNTIME_DIR; do eval "value=\\"\\$$name\\""; [ -n "$value" ] && echo "env.$name=$value"; done; '
  + 'sum=; while [ $# -ge 2 ]; do [ "$1" = "$machine" ] && sum="$2"; shift 2; done; '
  + `if [ -n "$sum" ]; then if [ "$(hash ${INSTALLED_LOADER})" = "$sum" ]; then echo "loader=${INSTALLED_LOADER}"; else `
  + 'for n in 0 1 2 3; do base="$(place $n)"; dir="$base/ringlight-$uid"; file="$dir/ringlight-loader-$sum"; '
  + '[ -n "$base" ] && mine "$dir" && [ -f "$file" ] && [ "$(hash "$file")" = "$sum" ] && "$file" --version >/dev/null 2>&1 && { echo "loader=$file"; break; }; done; fi; fi; '
  + 'echo "$mark"; exec cat >/dev/null';

/**
 * Arguments: marker, number of the place, SHA-256. Reads the loader from stdin into our private folder there and
 * prints the marker and one line: `ok=PATH`, or the reason why not: `no-folder`, `no-space`, `checksum`, `no-exec`.
 * Loaders of versions from over a month ago are removed.
 */
export const UPLOAD = `${HASH}${MINE}${PLACES}`
  + 'echo "$1"; umask 077; base="$(place "$2")"; [ -n "$base" ] || { echo no-folder; exit 0; }; '
  + 'dir="$base/ringlight-$(id -u)"; mkdir -p "$dir" 2>/dev/null; mine "$dir" || { echo no-folder; exit 0; }; '
  + 'new="$dir/.upload-$$"; trap "rm -f \\"\\$new\\"" EXIT; trap "exit 1" HUP INT TERM; '
  + '{ cat >"$new"; } 2>/dev/null || { echo no-space; exit 0; }; chmod 700 "$new"; '
  + '[ "$(hash "$new")" = "$3" ] || { echo checksum; exit 0; }; '
  + '"$new" --version >/dev/null 2>&1 </dev/null || { echo no-exec; exit 0; }; '
  + 'find "$dir" -type f -mtime +30 -exec rm -f "{}" + 2>/dev/null; '
  + 'mv -f "$new" "$dir/ringlight-loader-$3" && echo "ok=$dir/ringlight-loader-$3"';

/**
 * Arguments: marker, path of the loader, SHA-256, then the command to run. Checks the loader once more, prints the
 * marker on stderr, where the command's own words begin, and becomes the command. Status 97: the sum is wrong.
 */
export const RUN_CHECKED = `${HASH}[ "$(hash "$2")" = "$3" ] || exit 97; echo "$1" >&2; shift 3; exec "$@"`;
export const STATUS_CHECKSUM = 97;

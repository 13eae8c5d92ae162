/** Source code of well-known programs, fetched when it is first needed and kept in the cache; nothing of it is committed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { privateApt, type PrivateApt } from '../../scripts/lib/private-apt.mjs';

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ringlight/realworld');
/** The release whose sources are looked at; it changes little any more. */
const SUITE = 'bookworm';
const KEPT = ['*.c', '*.h', '*.cc', '*.cpp', '*.cxx', '*.hpp', '*.hh', '*.inl'];

/** Source packages of Debian. */
export const PACKAGES = ['liburing', 'fio', 'qemu', 'mariadb', 'rocksdb', 'nginx', 'samba', 'libuv1'] as const;
/** Crates, with the versions looked at. */
export const CRATES = { 'tokio-uring': '0.5.0', 'io-uring': '0.7.11', monoio: '0.2.4', glommio: '0.9.0' } as const;

let apt: PrivateApt | undefined;

/** An archive or a registry does not give what is asked for; the message says which, and what it said. */
export class Unreachable extends Error {
  constructor(what: string, cause: unknown) {
    const said = (cause as { stderr?: string }).stderr ?? String(cause);
    const line = said.split('\n').find((one) => /^(?:E:|error)/.test(one)) ?? said.trim().split('\n').at(-1) ?? '';
    super(`${what} could not be fetched: ${line.trim()}`, { cause });
  }
}

/** Folder with the C and C++ files of a source package. Throws {@link Unreachable} without it. */
export function debianSource(name: (typeof PACKAGES)[number]): string {
  const folder = join(CACHE, SUITE, name);
  if (existsSync(folder)) return folder;
  const home = join(CACHE, 'fetch');
  try {
    apt ??= privateApt(home, SUITE, { kind: 'deb-src' });
    for (const old of readdirSync(home).filter((file) => file.startsWith(`${name}_`))) rmSync(join(home, old));
    apt('apt-get', 'source', '--download-only', '--tar-only', name);
  } catch (error) {
    throw new Unreachable(`The source package ${name} of Debian ${SUITE}`, error);
  }
  const archive = readdirSync(home).find((file) => file.startsWith(`${name}_`) && /\.orig\.tar\.[a-z0-9]+$/.test(file));
  if (!archive) throw new Error(`the source package ${name} came without an .orig.tar`);
  const draft = `${folder}.${process.pid}.part`;
  mkdirSync(draft, { recursive: true });
  const tar = spawnSync('tar', ['-xf', join(home, archive), '-C', draft, '--strip-components=1', '--wildcards', ...KEPT], { encoding: 'utf8' });
  // a pattern that nothing matches is no failure
  const problems = tar.stderr.split('\n').filter((line) => line && !/Not found in archive|Exiting with failure status/.test(line));
  if (tar.error || problems.length) throw new Error(`${archive}: ${tar.error?.message ?? problems.join('; ')}`);
  renameSync(draft, folder);
  for (const file of readdirSync(home).filter((one) => one.startsWith(`${name}_`))) rmSync(join(home, file));
  return folder;
}

/** Folder with a crate's sources. Throws {@link Unreachable} without it. */
export function crateSource(name: keyof typeof CRATES): string {
  const project = join(CACHE, 'crates', `${name}-${CRATES[name]}`);
  const found = join(project, 'found');
  if (existsSync(found) && existsSync(readFileSync(found, 'utf8'))) return readFileSync(found, 'utf8');
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'src/lib.rs'), '');
  writeFileSync(join(project, 'Cargo.toml'), `[package]\nname = "look"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\n${name} = "=${CRATES[name]}"\n\n[workspace]\n`);
  let text: string;
  try {
    text = execFileSync('cargo', ['metadata', '--format-version', '1', '--quiet'], { cwd: project, encoding: 'utf8', maxBuffer: 256 << 20, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Unreachable(`The crate ${name} ${CRATES[name]}`, error);
  }
  const metadata = JSON.parse(text) as
    { packages: { name: string; version: string; manifest_path: string }[] };
  const manifest = metadata.packages.find((one) => one.name === name && one.version === CRATES[name])?.manifest_path;
  if (!manifest) throw new Error(`cargo did not fetch ${name} ${CRATES[name]}`);
  writeFileSync(found, dirname(manifest));
  return dirname(manifest);
}

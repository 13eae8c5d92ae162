/** Calls that lead out of the file, and which of them do nothing to rings, sqes and requests. */
import { NO_RETURN } from '../flow/no-return';
import type { Call } from '../model';

/** Of the C library: they neither wait for a completion nor know of a ring. */
const LIBRARY = /^(?:v?[fsd]?n?printf|v?asprintf|f?puts|f?putc|putchar|fflush|perror|strerror\w*|syslog|mem(?:set|cpy|move|cmp|chr|align)|bzero|explicit_bzero|str\w+|malloc|calloc|realloc|reallocarray|free|delete|aligned_alloc|posix_memalign|valloc|alloca|mmap|munmap|madvise|mlock|sysconf|getpagesize|sizeof|offsetof|open|openat|creat|close|socket|socketpair|bind|listen|setsockopt|getsockopt|fcntl|ioctl|pipe2?|eventfd|dup[23]?|f?stat(?:at|x|64)?|lseek(?:64)?|ftruncate|fallocate|posix_fadvise|posix_fallocate|unlink|mkstemp|clock_gettime|gettimeofday|time|rand|srand|random|getpid|gettid|exit|_exit|abort|assert|static_assert|isatty|ato\w+|hton[sl]|ntoh[sl]|inet_\w+|min|max|swap|abs|htobe\d+|le\d+toh|errno|__errno_location|__builtin_\w+|offsetof|container_of|likely|unlikely|ARRAY_SIZE|READ_ONCE|WRITE_ONCE|pthread_mutex_(?:un)?lock|pthread_self|round_?(?:up|down)|ALIGN\w*|MIN|MAX|T_\w+)$/;
/** What containers, strings, smart pointers and atomics do. */
const MEMBERS = /^(?:data|c_str|size|length|empty|begin|end|cbegin|cend|front|back|at|get|push_back|emplace_back|emplace|push|pop|pop_back|pop_front|insert|erase|clear|reserve|resize|append|assign|fill|find|count|contains|fd|native_handle|load|store|fetch_add|fetch_sub|exchange|lock|unlock|value|has_value|str|substr|first|second|move|forward|make_unique|make_shared|make_pair|make_tuple|to_string|bit_cast|what)$/;
/** Conversions between the values of a language's runtime and those of C. */
const CONVERTS = /^(?:[A-Z]\w*_val|Val_\w+|NUM2\w+|\w+2NUM|NUM2DBL|DBL2NUM|SYM2ID|ID2SYM|RSTRING_\w+|RARRAY_\w+|RB_GC_GUARD|Py(?:Long|Float|Bytes|Unicode)_(?:As|From)\w+|lua_to\w+|luaL_check\w+)$/;
const SAYS = /log|print|trace|debug|warn|error|dump|stat|count|assert|check|expect|ensure|verify|panic|fatal|die/i;
const WAITS = /wait|yield|sleep|suspend|resume|submit|reap|(?:^|_)(?:join|poll|loop|f?sync|flush|drain|run)(?:_|\d|$)|(?:^|[a-z])(?:Join|Poll|Loop|Sync|Flush|Drain|Run)(?![a-z])/;

/** Whether a call of a function the file does not define can be passed over: nothing of interest happens in it. */
export function isOutOfTheWay(call: Call): boolean {
  const name = call.name;
  if (/^io_uring_/.test(name) || LIBRARY.test(name) || MEMBERS.test(name) || NO_RETURN.test(name) || CONVERTS.test(name)) return true;
  if (/^(?:std|fmt)::/.test(call.callee.kind === 'name' ? call.callee.name : '')) return !WAITS.test(name);
  return SAYS.test(name) && !WAITS.test(name);
}

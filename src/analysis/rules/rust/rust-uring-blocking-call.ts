import { hasAttribute, holderOf, isAwaited, rustCalls } from '../../idioms/rust-code';
import { isUring, runtimesOf, startedBy, type Runtime } from '../../idioms/rust-runtime';
import { ownExpressions, statements, walk, walkFunction, type Call, type Expr, type Func, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { rustTypes } from '../../usage/rust-types';
import type { Draft, DraftFix, Rule } from '../rule';

const FILES = /^std::fs::(?:read|read_to_string|read_dir|write|copy|create_dir|create_dir_all|remove_file|remove_dir|remove_dir_all|rename|metadata|symlink_metadata|canonicalize|hard_link|set_permissions|File::(?:open|create|create_new|set_len|sync_all|sync_data|metadata|read\w*|write\w*|flush|seek)|OpenOptions::open)$/;
const SOCKETS = /^std::net::(?:TcpStream::(?:connect|connect_timeout|read\w*|write\w*|flush|peek)|TcpListener::accept|UdpSocket::(?:recv|recv_from|send|send_to|peek_from))$/;
const SLEEP = 'std::thread::sleep';
const WAITS = /^(?:reqwest::blocking::(?:get|Client::\w+|RequestBuilder::send)|ureq::(?:get|post)|futures(?:_executor|_lite::future|::executor)::block_on|pollster::block_on|async_std::task::block_on|smol::block_on|std::thread::JoinHandle::join)$/;

export const rustUringBlockingCall: Rule = {
  info: {
    id: 'rust-uring-blocking-call', languages: ['rust'], severity: 'warning', confidence: 'likely', cleanup: true,
    summary: 'A blocking call in async code of an io_uring runtime stops every task of the thread.',
  },
  why: 'tokio-uring, monoio, glommio and compio run all tasks and the handling of completions on one thread. A call that blocks it stops them all.',
  families: ['tokio-uring', 'monoio', 'glommio', 'compio'],
  checkFile(file, report) {
    for (const func of file.program.functions()) {
      if (func.damaged) continue;
      const runtimes = [...runtimesOf(file, func)];
      const on = runtimes.find(isUring);
      if (!on || runtimes.includes('thread') || hasAttribute(func, /^(?:\w+::)*test\b|^cfg\(test\)/)) continue;
      for (const { call, path } of rustCalls(file, func)) {
        const blocks = blocking(path);
        if (!blocks || call.macro || isAwaited(file, call)) continue;
        report({
          at: placeOf(func, call.callee.kind === 'member' ? { span: call.nameSpan } : call),
          message: `${short(path)}() blocks ${blocks}, and with it the one thread of ${on}: no other task runs and no completion is handled until it returns.`,
          severity: inSetUp(file, func, call) ? 'hint' : undefined,
          fixes: path === SLEEP && on === 'tokio-uring' ? sleepFix(file, func, call) : [],
        });
      }
      for (const draft of heldLocks(file, func, on)) report(draft);
    }
  },
};

function blocking(path: string): string | undefined {
  if (path === SLEEP) return 'until the time is over';
  if (FILES.test(path)) return 'on the file system';
  if (SOCKETS.test(path)) return 'on the network';
  return WAITS.test(path) ? 'until its work is done' : undefined;
}
function short(path: string): string {
  return path.split('::').slice(-3).join('::');
}

/** Before the first `.await` of what `start` runs, there are no other tasks yet. */
function inSetUp(file: SourceFile, func: Func, call: Call): boolean {
  const holder = func.parent && holderOf(file, func);
  const first = holder ? startedBy(holder.path) !== undefined && !/spawn/.test(holder.path) : func.attributes?.some((a) => /::main\b/.test(a.text)) === true;
  if (!first) return false;
  for (const e of walkFunction(func)) {
    if (e.kind === 'await' && e.span.end < call.span.start) return false;
    if (e.kind === 'call' && e.span.end < call.span.start && /spawn/.test(e.name)) return false;
  }
  return ![...statements(func.body)].some((s) => s.kind === 'loop' && s.span.start < call.span.start && call.span.end < s.span.end);
}

/** tokio-uring's runtime drives tokio's timers. */
function sleepFix(file: SourceFile, func: Func, call: Call): DraftFix[] {
  if (!func.async) return [];
  const usesTokio = file.facts.imports.some((i) => i.path.split('::')[0] === 'tokio') || /\btokio::/.test(file.text);
  const duration = call.args[0] ? file.source(placeOf(func, call.args[0])) : '';
  return [{
    title: 'Sleep with tokio::time::sleep',
    edits: [{ place: placeOf(func, call), text: `tokio::time::sleep(${duration}).await` }],
    safe: usesTokio,
  }];
}

/** `let guard = mutex.lock().unwrap();` of std, and an `.await` before the guard goes. */
function heldLocks(file: SourceFile, func: Func, on: Runtime): Draft[] {
  const out: Draft[] = [];
  const look = (body: Stmt[]): void => {
    body.forEach((s, i) => {
      if (s.kind !== 'declare' || !s.init || !s.alone) return;
      const lock = lockIn(file, func, s.init);
      if (!lock) return;
      for (const later of body.slice(i + 1)) {
        const inside = [...walk([...statements([later])].flatMap(ownExpressions))];
        const dropped = inside.find((e) => e.kind === 'call' && e.args.some((a) => a.kind === 'name' && a.id === s.local.id));
        const wait = inside.find((e) => e.kind === 'await');
        if (wait && !(dropped && dropped.span.end <= wait.span.start)) {
          out.push({
            at: placeOf(func, lock),
            message: `The guard of this lock is held over an .await: while the task waits, any other task of ${on}'s one thread that asks for the lock blocks them all, for good.`,
            related: [{ at: placeOf(func, wait), message: 'it waits here' }],
          });
          return;
        }
        if (dropped) return;
      }
    });
  };
  look(func.body);
  for (const s of statements(func.body)) {
    if (s.kind === 'block' || s.kind === 'loop') look(s.body);
    else if (s.kind === 'if') [s.then, s.otherwise].forEach(look);
    else if (s.kind === 'switch') s.cases.forEach((c) => look(c.body));
  }
  return out;
}
/** The lock call of `x.lock().unwrap()` where x is known to be a lock of std. */
function lockIn(file: SourceFile, func: Func, init: Expr): Call | undefined {
  if (init.kind !== 'call' || !/^(?:unwrap|expect|unwrap_or_else)$/.test(init.name) || init.callee.kind !== 'member') return undefined;
  const lock = init.callee.object;
  if (lock.kind !== 'call' || !/^(?:lock|write|read)$/.test(lock.name) || lock.args.length || lock.callee.kind !== 'member') return undefined;
  const written = rustTypes(file.facts).spelled(lock.callee.object, func);
  const name = written && /\b((?:\w+::)*(?:Mutex|RwLock))\b/.exec(written)?.[1];
  if (!name || !/^std::sync::(?:Mutex|RwLock)$/.test(rustTypes(file.facts).resolve(name))) return undefined;
  return lock;
}

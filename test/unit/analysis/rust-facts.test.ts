import { describe, expect, it } from 'vitest';
import { rustFacts } from '../../../src/analysis/languages/rust-file';
import { walkFunction, type FileFacts, type Func } from '../../../src/analysis/model';
import { rustTypes } from '../../../src/analysis/usage/rust-types';
import { testAnalyser } from './support';

const { grammars } = testAnalyser();

async function facts(text: string): Promise<FileFacts> {
  await grammars.open('rust');
  const tree = grammars.parse('rust', text);
  try {
    return rustFacts(tree, (t) => grammars.parse('rust', t));
  } finally {
    tree.delete();
  }
}
function all(functions: Func[]): Func[] {
  return functions.flatMap((f) => [f, ...all(f.inner)]);
}
/** Each call as the source says and as it resolves. */
async function calls(text: string): Promise<string[]> {
  const f = await facts(text);
  const types = rustTypes(f);
  return all(f.functions).flatMap((func) => [...walkFunction(func)].flatMap((e) => {
    if (e.kind !== 'call' || e.macro) return [];
    const at = text.slice(func.base + e.nameSpan.start, func.base + e.nameSpan.end);
    return [`${at} = ${types.pathOf(e, func) ?? '?'}`];
  }));
}

describe('code in macros of Rust', () => {
  const lead = 'use tokio_uring::fs::File; async fn f(file: &File, b: Vec<u8>) {';
  it.each([
    ['arguments', 'println!("{} {:?}", 1, file.sync_all().await);'],
    ['named arguments', 'println!("{a}", a = file.sync_all().await.is_ok());'],
    ['asserts', 'assert!(file.sync_all().await.is_ok(), "x");'],
    ['lists', 'let v = vec![file.sync_all().await; 2];'],
    ['macros in macros', 'dbg!(join!(file.sync_all(), g()));'],
    ['statements', 'try_it! { let r = file.sync_all().await; r?; };'],
    ['a first argument before a pattern', 'assert!(matches!(file.sync_all().await, Ok(_) | Err(_)));'],
    ['select', 'tokio::select! { biased; r = file.sync_all(), if !b.is_empty() => { r? } _ = later() => continue, else => {} }'],
  ])('%s', async (_, body) => {
    expect(await calls(`${lead} ${body} }`)).toContain('sync_all = tokio_uring::fs::File::sync_all');
  });

  it('what an arm of select binds has the type its future gives', async () => {
    const text = 'use tokio_uring::net::TcpListener; async fn f(l: &TcpListener) { tokio::select! { Ok((stream, _)) = l.accept() => stream.shutdown(x), _ = tick() => {} } }';
    expect(await calls(text)).toContain('shutdown = tokio_uring::net::TcpStream::shutdown');
  });
  it('tokens that are no code stay names', async () => {
    expect(await calls(`${lead} weird!(a => @ file.sync_all() ..= );  }`)).toEqual([]);
  });
});

describe('types of Rust', () => {
  it.each([
    ['chains of builders', 'use io_uring::IoUring; fn f() { let ring = IoUring::builder().setup_sqpoll(1).build(8)?; ring.submit(); }', 'submit = io_uring::IoUring::submit'],
    ['generic constructors', 'use io_uring::{squeue, cqueue, IoUring}; fn f() { let mut ring = IoUring::<squeue::Entry, cqueue::Entry>::builder().build(8).unwrap(); ring.submit(); }', 'submit = io_uring::IoUring::submit'],
    ['entries', 'use io_uring::{opcode, types}; fn f() { let e = opcode::Read::new(types::Fd(1), p, 1).offset(0).build().user_data(1); e.flags(x); }', 'flags = io_uring::squeue::Entry::flags'],
    ['globs', 'use io_uring::*; fn f() { IoUring::new(1).unwrap().submission().push(e); }', 'push = io_uring::SubmissionQueue::push'],
    ['tuples', 'fn f(r: &mut io_uring::IoUring) { let (s, mut sq, mut cq) = r.split(); sq.sync(); }', 'sync = io_uring::SubmissionQueue::sync'],
    ['loops', 'fn f(mut r: io_uring::IoUring) { for cqe in r.completion() { cqe.result(); } }', 'result = io_uring::cqueue::Entry::result'],
    ['while let', 'fn f(cq: &mut io_uring::CompletionQueue<\'_>) { while let Some(cqe) = cq.next() { cqe.result(); } }', 'result = io_uring::cqueue::Entry::result'],
    ['fields behind locks', 'struct S { ring: std::sync::Arc<std::sync::Mutex<io_uring::IoUring>> } impl S { fn f(&self) { self.ring.lock().unwrap().submit(); } }', 'submit = io_uring::IoUring::submit'],
    ['tuple structs', 'struct S(u8, Option<io_uring::IoUring>); impl S { fn f(&mut self) { if let Some(r) = &mut self.1 { r.submit(); } } }', 'submit = io_uring::IoUring::submit'],
    ['own methods', 'struct S { r: io_uring::IoUring } impl S { fn ring(&mut self) -> &mut io_uring::IoUring { &mut self.r } fn g(&mut self) { self.ring().submit(); } }', 'submit = io_uring::IoUring::submit'],
    ['lists', 'fn f(files: &[tokio_uring::fs::File]) { for file in files { file.sync_all(); } }', 'sync_all = tokio_uring::fs::File::sync_all'],
    ['type aliases', 'type Ring = io_uring::IoUring<A, B>; fn f(r: &Ring) { r.submit(); }', 'submit = io_uring::IoUring::submit'],
    ['match', 'fn f() { let r = match io_uring::IoUring::new(1) { Ok(r) => r, Err(e) => return }; r.submit(); }', 'submit = io_uring::IoUring::submit'],
    ['a type of the file with the name of a glob\'s', 'use tokio::fs::*; struct File; fn f(x: File) { x.sync_all(); }', 'sync_all = File::sync_all'],
  ])('%s', async (_, text, wanted) => expect(await calls(text)).toContain(wanted));
});

it('attributes of functions, those of their modules too', async () => {
  const { functions } = await facts('#[tokio::main(flavor = "current_thread")]\nasync fn main() {}\n#[cfg(test)] mod tests { #[test] fn a() {} }');
  expect(functions.map((f) => f.attributes?.map((a) => a.text))).toEqual([['tokio::main(flavor = "current_thread")'], ['cfg(test)', 'test']]);
});

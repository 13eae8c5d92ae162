// @ts-check
import { dirname, relative, resolve, sep } from 'node:path';
import tseslint from 'typescript-eslint';

const root = import.meta.dirname;

/** Dependencies point one way (docs/architecture.md). What each folder may import of the others: */
const MAY_IMPORT = {
  'src/protocol': [],
  'src/analysis': ['src/protocol'],
  'src/trace': ['src/protocol'],
  'src/launch': ['src/protocol', 'src/trace'],
  'src/recording': ['src/protocol', 'src/trace', 'src/launch'],
  'src/server': ['src/protocol', 'src/analysis'],
  'src/cli': ['src/protocol', 'src/analysis', 'src/trace', 'src/launch', 'src/recording', 'src/server'],
  'src/extension': ['src/protocol', 'src/launch'],
  webview: ['src/protocol'],
};
/** These also run in a browser, so no module of Node's. */
const PURE = ['src/protocol', 'src/analysis', 'src/trace', 'webview'];
const NODE_MODULES = /^(node:|(fs|path|os|child_process|worker_threads|crypto|net)(\/|$))/;

const roomOf = (file) => {
  const [first, second] = relative(root, file).split(sep);
  return first === 'src' ? `src/${second}` : first;
};

/** One rule for the whole house: resolved paths, so that a folder's own `recording/` is not mistaken for src/recording. */
const layers = {
  create(context) {
    const room = roomOf(context.filename);
    const allowed = MAY_IMPORT[room];
    const check = (node) => {
      const from = node.source?.value;
      if (typeof from !== 'string') return;
      const refuse = (message) => context.report({ node, message });
      if (from === 'vscode' && room !== 'src/extension') return refuse('Only src/extension imports vscode.');
      if (PURE.includes(room) && NODE_MODULES.test(from) && !context.filename.includes(`${sep}dev${sep}`)) return refuse(`${room} runs in a browser too: no ${from}.`);
      if (!from.startsWith('.')) return;
      const target = roomOf(resolve(dirname(context.filename), from));
      if (target !== room && !allowed.includes(target)) refuse(`${room} must not depend on ${target}.`);
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
  },
};

export default tseslint.config(
  { ignores: ['**/node_modules', 'dist', '**/target', 'test-artifacts', '.build', 'bpf', 'demo', '**/*.mjs', '**/*.js'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'webview/**/*.ts', 'test/**/*.ts'],
    languageOptions: { parserOptions: { project: ['./tsconfig.json', './webview/tsconfig.json', './test/page/tsconfig.json'], tsconfigRootDir: root } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  { files: ['src/**/*.ts', 'webview/**/*.ts'], plugins: { ringlight: { rules: { layers } } }, rules: { 'ringlight/layers': 'error' } },
);

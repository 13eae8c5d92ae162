// @ts-check
import tseslint from 'typescript-eslint';

/** Dependencies point one way (docs/architecture.md). What each folder may import of its siblings: */
const MAY_IMPORT = {
  protocol: [],
  analysis: ['protocol'],
  trace: ['protocol'],
  launch: ['protocol', 'trace'],
  recording: ['protocol', 'trace', 'launch'],
  server: ['protocol', 'analysis'],
  cli: ['protocol', 'analysis', 'trace', 'launch', 'recording', 'server'],
  extension: ['protocol', 'launch'],
};
const FOLDERS = Object.keys(MAY_IMPORT);
/** These also run in a browser. */
const PURE = ['protocol', 'analysis', 'trace'];

const layers = FOLDERS.map((folder) => {
  const banned = FOLDERS.filter((other) => other !== folder && !MAY_IMPORT[folder].includes(other));
  const patterns = banned.map((other) => ({
    group: [`**/${other}`, `**/${other}/**`], message: `src/${folder} must not depend on src/${other}.`,
  }));
  patterns.push({ group: ['**/webview/**'], message: 'src must not depend on the page.' });
  if (PURE.includes(folder)) patterns.push({ group: ['node:*', 'fs', 'path', 'child_process'], message: `src/${folder} runs in a browser too.` });
  const paths = folder === 'extension' ? [] : [{ name: 'vscode', message: 'Only src/extension imports vscode.' }];
  return { files: [`src/${folder}/**/*.ts`], rules: { 'no-restricted-imports': ['error', { patterns, paths }] } };
});

export default tseslint.config(
  { ignores: ['node_modules', 'dist', '**/target', 'test-artifacts', 'bpf/.output', 'demo', '.build', '**/*.mjs', '**/*.js'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'webview/**/*.ts', 'test/**/*.ts'],
    languageOptions: { parserOptions: { project: ['./tsconfig.json', './webview/tsconfig.json', './test/page/tsconfig.json'], tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  ...layers,
  {
    files: ['webview/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: 'src/(?!protocol)', message: 'The page imports src/protocol only.' }] }] },
  },
);

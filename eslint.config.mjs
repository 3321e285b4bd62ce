// Type-checked rules for all TypeScript, and the directions in which the rooms may import each other (docs/ARCHITECTURE.md).
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Rule options that forbid imports matching any of `groups`. */
function forbid(...groups) {
  return {
    'no-restricted-imports': ['error', { patterns: groups.map(([group, message]) => ({ group, message })) }],
  };
}

const network = [
  [
    'http',
    'https',
    'http2',
    'net',
    'tls',
    'dns',
    'dgram',
    'node:http',
    'node:https',
    'node:http2',
    'node:net',
    'node:tls',
    'node:dns',
    'node:dgram',
  ],
  'Niwaki opens no network connections (invariant 1).',
];
const lsp = [
  ['vscode-languageserver', 'vscode-languageserver/**', 'vscode-languageserver-*'],
  'Only server/src/lsp knows LSP.',
];
const vscode = [
  ['vscode', 'vscode-languageclient', 'vscode-languageclient/**'],
  'The server runs without VS Code.',
];
const tests = [['**/test/**'], 'Nothing imports tests.'];
const rooms = (names) => [
  names.flatMap((name) => [`**/${name}`, `**/${name}/**`]),
  'Wrong direction: see "Directions" in docs/ARCHITECTURE.md.',
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'out/',
      'node_modules/',
      '.vscode-test/',
      'native/',
      'bench/peer/node_modules/',
      'bench/results/',
      'test/fixtures/',
      'training/',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-namespace': 'off', // one namespace a message, as in vscode-languageserver-protocol
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off', // it asks for what the rule above forbids
      '@typescript-eslint/unified-signatures': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: true }],
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off', // vscode's Disposable is an interface in all but name
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'process',
          'console',
          'Buffer',
          'setTimeout',
          'clearTimeout',
          'setInterval',
          'clearInterval',
          'performance',
          'URL',
          'URLSearchParams',
          'fetch',
          'AbortController',
          'AbortSignal',
          'structuredClone',
          'setImmediate',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['protocol/src/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, [
      ['node:*', '#server/*', '#client/*'],
      'The protocol knows neither side.',
    ]),
  },
  {
    files: ['client/src/**/*.ts'],
    rules: forbid(network, lsp, tests, [
      ['#server/*', '**/server/**'],
      'The client knows the server by its protocol.',
    ]),
  },
  {
    files: ['client/src/features/**/*.ts'],
    rules: forbid(network, lsp, tests, [
      ['#server/*', '**/server/**', './*'],
      'Features never import each other, nor the server.',
    ]),
  },
  {
    // A feature that is a folder: its files know each other, and no other feature.
    files: ['client/src/features/*/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...[
              network,
              lsp,
              tests,
              [['#server/*', '**/server/**'], 'Features never import the server.'],
            ].map(([group, message]) => ({ group, message })),
            { regex: '^\\.\\./[^.]', message: 'Features never import each other.' },
          ],
        },
      ],
    },
  },
  {
    // Runs in a browser, without rights.
    files: ['media/chat/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, [
      ['node:*', '#*', '**/client/**', '**/server/**'],
      'The page knows the protocol’s files for it, and nothing else of ours.',
    ]),
  },
  { files: ['server/src/**/*.ts'], rules: forbid(network, lsp, vscode, tests) },
  {
    files: ['server/src/lsp/**/*.ts', 'server/src/main.ts', 'server/src/serve.ts'],
    rules: forbid(network, vscode, tests, [
      ['**/engine/*', '!**/engine/index'],
      'Only what engine/index.ts offers.',
    ]),
  },
  {
    files: ['server/src/cli/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, rooms(['lsp']), [
      ['**/engine/*'],
      'Only what engine/index.ts offers.',
    ]),
  },
  {
    files: ['server/src/completion/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, rooms(['lsp', 'cli']), [
      ['**/engine/*'],
      'Only what engine/index.ts offers.',
    ]),
  },
  {
    files: ['server/src/models/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, rooms(['lsp', 'cli', 'completion', 'chat', 'workspace']), [
      ['**/engine/*'],
      'Only what engine/index.ts offers.',
    ]),
  },
  {
    // What a text may look like: pure functions over plain data.
    files: ['server/src/grammar/**/*.ts'],
    rules: forbid(
      network,
      lsp,
      vscode,
      tests,
      rooms([
        ...['lsp', 'cli', 'completion', 'models', 'engine', 'prompt', 'workspace', 'conversation', 'syntax'],
      ]),
      [['node:*', '#protocol'], 'Grammars are pure functions.'],
    ),
  },
  {
    files: ['server/src/syntax/**/*.ts'],
    rules: forbid(
      network,
      lsp,
      vscode,
      tests,
      rooms(['lsp', 'cli', 'completion', 'chat', 'models', 'engine', 'prompt', 'workspace']),
    ),
  },
  {
    files: ['server/src/prompt/**/*.ts'],
    rules: forbid(
      network,
      lsp,
      vscode,
      tests,
      rooms(['lsp', 'cli', 'completion', 'chat', 'models', 'workspace', 'engine']),
      [['node:*'], 'Prompts are pure functions.'],
    ),
  },
  {
    files: ['server/src/workspace/**/*.ts'],
    rules: forbid(
      network,
      lsp,
      vscode,
      tests,
      rooms(['lsp', 'cli', 'completion', 'models', 'prompt', 'engine']),
      [['#protocol'], 'The workspace is plain data and files; lsp/ translates.'],
    ),
  },
  {
    files: ['server/src/chat/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, rooms(['lsp', 'cli', 'completion', 'edit', 'syntax']), [
      ['**/engine/*'],
      'Only what engine/index.ts offers.',
    ]),
  },
  {
    files: ['server/src/attachments/**/*.ts'],
    rules: forbid(
      network,
      lsp,
      vscode,
      tests,
      rooms(['lsp', 'cli', 'completion', 'chat', 'edit', 'models', 'engine', 'conversation', 'syntax']),
    ),
  },
  {
    files: ['server/src/edit/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, rooms(['lsp', 'cli', 'completion', 'chat']), [
      ['**/engine/*'],
      'Only what engine/index.ts offers.',
    ]),
  },
  {
    files: ['server/src/conversation/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, rooms(['lsp', 'cli', 'completion', 'models', 'chat']), [
      ['**/engine/*'],
      'Only what engine/index.ts offers.',
    ]),
  },
  {
    files: ['server/src/engine/**/*.ts'],
    rules: forbid(
      network,
      lsp,
      vscode,
      tests,
      rooms(['lsp', 'cli', 'completion', 'chat', 'models', 'workspace', 'prompt']),
    ),
  },
  {
    // Loaded before all else.
    files: ['server/src/network/**/*.ts'],
    rules: forbid(
      network,
      lsp,
      vscode,
      tests,
      rooms([
        'lsp',
        'cli',
        'completion',
        'models',
        'workspace',
        'prompt',
        'engine',
        'syntax',
        'conversation',
      ]),
    ),
  },
  {
    files: ['server/src/util/**/*.ts'],
    rules: forbid(network, lsp, vscode, tests, [['../*', '#protocol'], 'util imports nothing of ours.']),
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['describe', 'it', 'suite', 'test'], package: 'mocha' },
          ],
        },
      ],
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-require-imports': 'off',
      'no-console': 'off',
    },
  },
);

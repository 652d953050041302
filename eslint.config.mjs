// Type-aware rules where they find bugs, and the direction of imports between layers. Formatting is
// prettier's.
import tseslint from 'typescript-eslint';
import { MAY_IMPORT, SCOPE } from './tooling/tidy/layers.mjs';

const importDirection = MAY_IMPORT.map(({ folder, may }) => {
  const own = may.length === 0 ? '.*' : `(?!(?:${may.join('|')})(?:/|$)).*`;
  return {
    files: [`${folder}/{src,bench,scripts}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^${SCOPE}${own}`,
              message: 'Imports go verbs → log → consensus → adapters → apps, never back.',
            },
            {
              regex: '^\\.\\./.*(?:packages|apps|tooling)/|^(?:\\.\\./){2,}[^/]+/(?:src|dist)/',
              message: 'Import another package by its name.',
            },
          ],
        },
      ],
    },
  };
});

export default tseslint.config(
  {
    ignores: ['**/dist/', '**/prebuilds/', '**/native/', '**/.turbo/', 'docs/api/', '**/*.d.ts'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{ts,mjs,js}'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: { parser: tseslint.parser },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-fallthrough': 'error',
      'no-debugger': 'error',
      'no-self-compare': 'error',
      'no-unreachable': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use an object `as const` or a union.' },
      ],
    },
  },
  {
    files: ['{packages,apps}/**/{src,test}/**/*.ts', 'tooling/*/*.ts'],
    ignores: ['**/*.config.ts'],
    extends: [tseslint.configs.recommendedTypeCheckedOnly],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports' },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // An interface may ask for a promise where an implementation has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // `any` may not be written. What flows out of JSON.parse and `new Map()` is typed by its target.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['{packages,apps}/**/src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use an object `as const` or a union.' },
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
      ],
    },
  },
  ...importDirection,
);

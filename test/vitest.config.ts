import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      // The entry files run in processes of their own.
      exclude: ['src/main.ts', 'src/cli.ts', 'src/**/assets/**'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { 'src/core/**': { statements: 95 }, 'src/docserver/**': { statements: 95 } },
    },
  },
})

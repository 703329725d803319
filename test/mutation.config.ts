import { defineConfig } from 'vitest/config'

/** The tests that every mutant is put to: those of the mutated files, as far as they need no world around them. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: [
      ...['sign', 'xml', 'usual-xml', 'xml-round-trip', 'believed', 'samples'].map(
        (name) => `test/wechat/${name}.test.ts`,
      ),
      'test/steps/{settle,take-notice}.test.ts',
      'test/http/tokens.test.ts',
    ],
  },
})

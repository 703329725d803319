import { defineConfig } from 'vitest/config'

/** The tests that run for every mutant: those of the mutated files that need no world. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: [
      ...['sign', 'xml', 'xml-fast-path', 'xml-round-trip', 'verification', 'samples'].map(
        (name) => `test/wechat/v2/${name}.test.ts`,
      ),
      'test/wechat/v3/{bill,call,certificates,codes,complaint-answers,complaints}.test.ts',
      'test/wechat/v3/{forged-answers,gateway,notification,peer-vectors,samples,seen-refunds}.test.ts',
      'test/wechat/v3/{sign,v3,verify}.test.ts',
      'test/steps/{settle,handle-notification}.test.ts',
      'test/http/tokens.test.ts',
    ],
  },
})

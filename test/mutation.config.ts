import { defineConfig } from 'vitest/config'

/** The tests that run for every mutant: those of the mutated files that need no world. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: [
      'test/wechat/{xml,xml-fast-path,xml-round-trip}.test.ts',
      'test/wechat/v2/{sign,verification,samples}.test.ts',
      'test/wechat/v3/{bill,call,certificates,codes,complaint-answers,complaints}.test.ts',
      'test/wechat/v3/{forged-answers,gateway,notification,peer-vectors,samples,seen-refunds}.test.ts',
      'test/wechat/v3/{sign,v3,verify}.test.ts',
      'test/steps/{settle,handle-notification}.test.ts',
      'test/http/tokens.test.ts',
    ],
  },
})

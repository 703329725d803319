/**
 * `npm run mutate`: changes the code of payments in small ways, and fails if the tests detect too
 * few of the changes.
 */
interface Place {
  readonly node: { readonly type: string; readonly value?: unknown }
}
interface Report {
  readonly files: Readonly<
    Record<string, { readonly mutants: readonly { readonly status: string }[] }>
  >
}

/** Per cent of the mutants, in total and in each file. The others do not change the behaviour. */
const LEAST_KILLED = 90

/**
 * Node treats an empty encoding as UTF-8, so a mutant that empties the name has the same behaviour.
 */
const withoutUtf8 = {
  shouldIgnore: ({ node }: Place) =>
    node.type === 'StringLiteral' && node.value === 'utf8'
      ? 'an empty encoding is UTF-8 as well'
      : undefined,
}

/** Stryker's own threshold is for all files together, and would hide a small file without tests. */
const eachFile = {
  onMutationTestReportReady({ files }: Report): void {
    for (const [file, { mutants }] of Object.entries(files)) {
      const count = (...statuses: readonly string[]) =>
        mutants.filter(({ status }) => statuses.includes(status)).length
      const [killed, alive] = [count('Killed', 'Timeout'), count('Survived', 'NoCoverage')]
      if (killed * 100 >= LEAST_KILLED * (killed + alive)) continue
      console.error(
        `${file}: ${killed} of ${killed + alive} mutants killed, fewer than ${LEAST_KILLED} %`,
      )
      process.exitCode = 1
    }
  },
}

export const strykerPlugins = [
  { kind: 'Ignore', name: 'utf8', value: withoutUtf8 },
  { kind: 'Reporter', name: 'each-file', value: eachFile },
]

export default {
  mutate: [
    'lib/wechat/v2/sign.ts',
    'lib/wechat/xml.ts',
    'lib/wechat/xml-parser.ts',
    'lib/wechat/xml-fast-path.ts',
    'lib/wechat/v2/notification.ts',
    'lib/wechat/v3/*.ts',
    'lib/steps/settle.ts',
    'lib/steps/handle-notification.ts',
    'lib/tokens.ts',
  ],
  testRunner: 'vitest',
  // The tests are listed in that file. Under `testFiles`, mutants of code that runs on import would
  // run without tests.
  vitest: { configFile: 'test/mutation.config.ts' },
  plugins: ['@stryker-mutator/vitest-runner', import.meta.filename],
  ignorers: ['utf8'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // There is no such file. Stryker would rewrite it by a compiler API that TypeScript 7 does not
  // have.
  tsconfigFile: 'none',
  ignorePatterns: ['.data'],
  cleanTempDir: 'always',
  reporters: ['clear-text', 'each-file'],
  clearTextReporter: { allowEmojis: false, logTests: false, reportTests: false },
  thresholds: { high: 95, low: LEAST_KILLED, break: LEAST_KILLED },
}

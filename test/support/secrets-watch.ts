/**
 * For every test file: a test that lets a secret out fails, wherever it got out and whatever else
 * the test was about.
 */
import { format } from 'node:util'
import { afterAll, afterEach } from 'vitest'
import { takeFindings, takeLateFindings, watch } from './secrets.ts'

const own = { ...console }
for (const name of ['debug', 'error', 'info', 'log', 'warn'] as const) {
  console[name] = (...parts: unknown[]) => {
    watch('log line', format(...parts))
    own[name](...parts)
  }
}

const watchError = (error: unknown) =>
  watch('error', error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error))
process.on('unhandledRejection', watchError)
process.on('uncaughtExceptionMonitor', watchError)

function complain(findings: readonly string[]): void {
  if (findings.length > 0) throw new Error(`somebody could read a secret:\n${findings.join('\n')}`)
}
afterEach(() => complain(takeFindings()))
afterAll(() => {
  Object.assign(console, own)
  process.off('unhandledRejection', watchError)
  process.off('uncaughtExceptionMonitor', watchError)
  complain([...takeFindings(), ...takeLateFindings()])
})

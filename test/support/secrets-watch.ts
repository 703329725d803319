/**
 * Runs in every test file: a test fails if an answer, a log line or an error in it contains a
 * secret.
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

function failIfFound(findings: readonly string[]): void {
  if (findings.length > 0) throw new Error(`a secret could be read:\n${findings.join('\n')}`)
}
afterEach(() => failIfFound(takeFindings()))
afterAll(() => {
  Object.assign(console, own)
  process.off('unhandledRejection', watchError)
  process.off('uncaughtExceptionMonitor', watchError)
  failIfFound([...takeFindings(), ...takeLateFindings()])
})

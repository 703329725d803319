/** For every test file: a test that lets a secret out fails, wherever it got out and whatever else the test was about. */
import { format } from 'node:util'
import { afterAll, afterEach } from 'vitest'
import { takeFindings, takeLateFindings, watch } from './secrets.ts'

for (const name of ['debug', 'error', 'info', 'log', 'warn'] as const) {
  const write = console[name].bind(console)
  console[name] = (...parts: unknown[]) => {
    watch('log line', format(...parts))
    write(...parts)
  }
}

const watchError = (error: unknown) => watch('error', error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error))
process.on('unhandledRejection', watchError)
process.on('uncaughtExceptionMonitor', watchError)

function complain(findings: readonly string[]): void {
  if (findings.length > 0) throw new Error(`somebody could read a secret:\n${findings.join('\n')}`)
}
afterEach(() => complain(takeFindings()))
afterAll(() => {
  process.off('unhandledRejection', watchError)
  process.off('uncaughtExceptionMonitor', watchError)
  complain([...takeFindings(), ...takeLateFindings()])
})

import { expect } from 'vitest'
import type { DoctorSetup } from '../doctor-setup.ts'
import type { Row } from './row.ts'

/** Health is kept for five seconds. */
const RECOVERY = { timeout: 15_000, interval: 1_000 }

/** Brings a fault about, and expects its message. */
export async function expectFound(
  setup: DoctorSetup,
  [fault, check, code, status, what, bring]: Row,
  examine: 'examine' | 'inspect' | 'register',
): Promise<void> {
  const change = await bring(setup)
  const plain = (sentence: string) => sentence.replace(/\d+(?= ms)|(?<=127\.0\.0\.1:)\d+/, '…')
  let findings: Awaited<ReturnType<DoctorSetup['examine']>> = []
  const find = async () => {
    findings = await setup[examine](check, change)
    return findings.map((one) => [one.check, one.code, one.status, plain(one.what)])
  }
  const expected = [check, code, status, what]
  // On a busy machine a healthy Redis may miss its deadline once. A broken one does not recover.
  if (fault === 'nothing') await expect.poll(find, RECOVERY).toContainEqual(expected)
  else expect(await find()).toContainEqual(expected)
  for (const one of findings) {
    // Each problem has a consequence and a place to fix it.
    const isTrouble = !['ok', 'skipped'].includes(one.status) && one.code !== 'production_refuses'
    if (isTrouble)
      expect([one.why, one.where]).toEqual([
        expect.stringMatching(/\w{3}/),
        expect.stringMatching(/\w{3}/),
      ])
    expect([one.what, one.why, one.where].join('')).not.toMatch(/\{\w*\}|undefined/)
  }
}

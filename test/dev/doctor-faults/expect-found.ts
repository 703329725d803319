import { expect } from 'vitest'
import type { DoctorSetup } from '../doctor-setup.ts'
import type { Row } from './row.ts'

/** Brings a fault about, and expects its message. */
export async function expectFound(
  setup: DoctorSetup,
  [, check, code, status, what, bring]: Row,
  examine: 'examine' | 'inspect' | 'register',
): Promise<void> {
  const findings = await setup[examine](check, await bring(setup))
  const plain = (sentence: string) => sentence.replace(/\d+(?= ms)|(?<=127\.0\.0\.1:)\d+/, '…')
  expect(findings.map((one) => [one.check, one.code, one.status, plain(one.what)])).toContainEqual([
    check,
    code,
    status,
    what,
  ])
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

/** Doctor in a shop of APIv3, whose key is proved by a notification. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { v3Variables } from '../support/v3-variables.ts'
import { echo } from './doctor-faults/echo.ts'
import { expectFound } from './doctor-faults/expect-found.ts'
import { openDoctorSetup, type DoctorSetup } from './doctor-setup.ts'

let setup: DoctorSetup
beforeAll(async () => {
  const { WECHAT_PAY_PUBLIC_KEY: _, WECHAT_PAY_PUBLIC_KEY_ID: __, ...certificates } = v3Variables()
  setup = await openDoctorSetup(certificates)
})
afterEach(() => setup.recover())
afterAll(() => setup.close())

describe('doctor finds', () => {
  test.each(echo)('%s (%s.%s)', (...row) => expectFound(setup, row, 'examine'))
})

const codes = async (change = {}) =>
  (await setup.examine('api', { limitMs: 2_000, ...change }))
    .filter(({ code }) => code.startsWith('v3_'))
    .map(({ code }) => code)

test('the test call proves the certificate without a query, and a query proves it if there is no test call', async () => {
  const queries = () => setup.shop.countCalls('/v3/pay/transactions/')
  const before = queries()
  expect(await codes()).toEqual(['v3_certificates', 'v3_right', 'v3_not_notified'])
  expect(queries()).toBe(before)
  setup.shop.wechat.misbehave({ on: 'echo', do: 'err-code', errCode: 'NO_AUTH' })
  expect(await codes()).toEqual(['v3_certificates', 'v3_right', 'v3_not_notifiable'])
  expect(queries()).toBe(before + 1)
})

test('a fault of the query is the only finding', async () => {
  setup.shop.wechat.misbehave({ on: 'echo', do: 'drop' })
  setup.shop.wechat.misbehave({ on: 'orderquery', do: 'drop' })
  expect(await codes()).toEqual(['v3_certificates', 'v3_unknown'])
})

test('a notification of an earlier run proves nothing', async () => {
  for (const key of ['wxpay:echo:', 'wxpay:echo:doctor00000000000000000000000000'])
    await setup.shop.redis('SET', key, 'arrived')
  expect(await codes()).toContain('v3_not_notified')
})

test('the test notification is acknowledged, and changes nothing but the note for doctor', async () => {
  await codes()
  await setup.shop.deliverNotifications()
  const sent = setup.shop.wechat.notifications().at(-1)
  expect(sent).toMatchObject({ acknowledged: true, attempts: [{ status: 200 }] })
  const { echo_message: message } = JSON.parse(sent?.v3?.plain ?? '{}')
  expect(await setup.shop.redis('GET', `wxpay:echo:${message}`)).toBe('arrived')
  expect(await setup.shop.sql('select 1 from payments union all select 1 from incidents')).toEqual(
    [],
  )
})

/** No answer without WeChat's signature decides anything, whatever its status, headers and body. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../../../lib/wechat/v3/call.ts'
import type { CallKind } from '../../../lib/wechat/v3/codes.ts'
import { configuredKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import { AT, openHost, reply, type Host } from '../../support/v3-host.ts'
import { demoV3 } from '../../support/v3-keys.ts'

let host: Host
beforeAll(async () => {
  host = await openHost(() => 'reset')
})
afterAll(() => host.close())

const askAs = (kind: CallKind) =>
  call(
    {
      ...demoV3,
      hosts: [host.url],
      newNonce: () => 'n'.repeat(32),
      now: () => AT,
      keys: configuredKeys(demoV3),
    },
    kind,
    { name: 'test', target: '/v3/test' },
  )
const kinds = ['place', 'query', 'close', 'refund', 'refund_query', 'bill'] as const
const codes = [
  'ORDER_NOT_EXIST',
  'ORDER_PAID',
  'ORDER_CLOSED',
  'RESOURCE_NOT_EXISTS',
  'USER_ACCOUNT_ABNORMAL',
  'NO_STATEMENT_EXIST',
  'PARAM_ERROR',
  'INVALID_REQUEST',
  'SIGN_ERROR',
  'NO_AUTH',
]
const body = fc.oneof(
  fc.constantFrom(...codes).map((code) => JSON.stringify({ code, message: code })),
  fc.constantFrom('{"trade_state":"SUCCESS"}', '{"prepay_id":"wx1"}', '', 'null', '[]'),
  fc.json(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)
const status = fc.integer({ min: 200, max: 499 }).filter((code) => ![204, 205, 304].includes(code))

const genuine = reply(200, { trade_state: 'SUCCESS' }).headers
/** The headers of another answer, with some of them left out or changed. */
const headers = fc
  .tuple(
    fc.subarray(Object.keys(genuine)),
    fc.dictionary(
      fc.constantFrom(...Object.keys(genuine)),
      fc.string({ unit: fc.constantFrom('a', 'Z', '9', '+', '/', '=', '_', '.') }),
    ),
  )
  .map(([kept, changes]) => ({
    ...Object.fromEntries(kept.map((name) => [name, genuine[name] ?? ''])),
    ...changes,
  }))

test('a forged answer is at most a fault of the configuration', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...kinds),
      fc.record({ status, headers, body }),
      async (kind, forged) => {
        // The headers above belong to this body.
        fc.pre(forged.body !== '{"trade_state":"SUCCESS"}')
        host.behave = () => forged
        const outcome = await askAs(kind)
        const reason = outcome.ok ? 'accepted' : outcome.error.reason
        expect(['wechat_untrusted', 'wechat_misconfigured', 'wechat_busy']).toContain(reason)
        if (!outcome.ok && outcome.error.reason === 'wechat_misconfigured')
          expect(outcome.error.code).not.toBe('PARAM_ERROR')
      },
    ),
    { numRuns: 300 },
  )
})

test('an answer with any changed byte is not accepted', async () => {
  const answer = reply(200, { trade_state: 'SUCCESS', amount: { total: 2800 } })
  const bytes = Buffer.from(answer.body)
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index)
    host.behave = () => ({ ...answer, body: changed })
    expect(await askAs('query')).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'signature' },
    })
  }
})

import { describe, expect, test } from 'vitest'
import type { Failure } from '../../../lib/core/failure.ts'
import { acknowledge } from '../../../lib/wechat/v2/notification.ts'

const OK =
  '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>'
const FAIL =
  '<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[NOT TAKEN]]></return_msg></xml>'
const taken = () => acknowledge({ ok: true, value: null })

const failures: readonly Failure[] = [
  { reason: 'notice_rejected', check: 'doctype' },
  { reason: 'notice_rejected', check: 'signature' },
  { reason: 'notice_contradicts', field: 'amount' },
  { reason: 'unavailable', dependency: 'database', why: 'no_answer' },
  { reason: 'not_configured', variable: 'WECHAT_PAY_KEY', expected: 'is not set' },
  { reason: 'too_slow' },
  { reason: 'internal_error' },
]

describe("the answer to WeChat's notification", () => {
  test('is SUCCESS on one line when it is taken', () => {
    expect(taken().body).toBe(OK)
  })

  test('is XML in UTF-8', () => {
    expect(taken().contentType).toBe('text/xml; charset=utf-8')
  })

  test.each(failures)(
    'is FAIL after $reason, so that WeChat calls again, and does not say why',
    (error) => {
      expect(acknowledge({ ok: false, error }).body).toBe(FAIL)
    },
  )

  test.each(failures)('comes with status 200 after $reason, for WeChat reads the XML', (error) => {
    expect(acknowledge({ ok: false, error }).status).toBe(200)
  })

  test('comes with status 413 when the notification is too large', () => {
    expect(acknowledge({ ok: false, error: { reason: 'body_too_large' } }).status).toBe(413)
  })
})

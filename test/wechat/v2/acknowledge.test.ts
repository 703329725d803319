import { describe, expect, test } from 'vitest'
import type { Failure } from '../../../lib/core/failure.ts'
import { acknowledge } from '../../../lib/wechat/v2/notification.ts'

const OK =
  '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>'
const FAIL =
  '<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[NOT TAKEN]]></return_msg></xml>'
const accepted = () => acknowledge({ ok: true, value: null })

const failures: readonly Failure[] = [
  { reason: 'notice_rejected', check: 'doctype' },
  { reason: 'notice_rejected', check: 'signature' },
  { reason: 'notice_contradicts', field: 'amount' },
  { reason: 'unavailable', dependency: 'database', why: 'no_answer' },
  { reason: 'not_configured', variable: 'WECHAT_PAY_KEY', fault: 'is not set' },
  { reason: 'too_slow' },
  { reason: 'internal_error' },
]

describe("the answer to WeChat's notification", () => {
  test('is SUCCESS on one line for an accepted notification', () => {
    expect(accepted().body).toBe(OK)
  })

  test('is XML in UTF-8', () => {
    expect(accepted().contentType).toBe('text/xml; charset=utf-8')
  })

  test.each(failures)(
    'is FAIL without a reason after $reason, so that WeChat repeats the notification',
    (error) => {
      expect(acknowledge({ ok: false, error }).body).toBe(FAIL)
    },
  )

  test.each(failures)('has status 200 after $reason, because WeChat reads the XML', (error) => {
    expect(acknowledge({ ok: false, error }).status).toBe(200)
  })

  test('has status 413 for a notification that is too large', () => {
    expect(acknowledge({ ok: false, error: { reason: 'body_too_large' } }).status).toBe(413)
  })
})

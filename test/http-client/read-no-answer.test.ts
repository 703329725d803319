import { describe, expect, test } from 'vitest'
import { readNoAnswer } from '../../lib/http-client/read-no-answer.ts'

const withCode = (code: unknown, cause?: unknown) =>
  Object.assign(new Error('a message with an address in it', { cause }), { code })

describe('the cause of a missing answer', () => {
  test.each([
    ['ECONNREFUSED', { why: 'network', code: 'ECONNREFUSED' }],
    ['ECONNRESET', { why: 'network', code: 'ECONNRESET' }],
    ['UND_ERR_SOCKET', { why: 'network', code: 'UND_ERR_SOCKET' }],
    ['ENOTFOUND', { why: 'dns', code: 'ENOTFOUND' }],
    ['EAI_AGAIN', { why: 'dns', code: 'EAI_AGAIN' }],
    ['ETIMEDOUT', { why: 'timeout', code: 'ETIMEDOUT' }],
    ['UND_ERR_CONNECT_TIMEOUT', { why: 'timeout', code: 'UND_ERR_CONNECT_TIMEOUT' }],
    ['CERT_HAS_EXPIRED', { why: 'tls', code: 'CERT_HAS_EXPIRED' }],
    ['ERR_TLS_CERT_ALTNAME_INVALID', { why: 'tls', code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    ['ERR_SSL_WRONG_VERSION_NUMBER', { why: 'tls', code: 'ERR_SSL_WRONG_VERSION_NUMBER' }],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', { why: 'tls', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', { why: 'tls', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }],
    ['EPROTO', { why: 'tls', code: 'EPROTO' }],
    ['ERR_TOO_LARGE', { why: 'too_large' }],
  ])('is named by the code %s', (code, expected) => {
    expect(readNoAnswer(withCode(code))).toEqual(expected)
  })

  test('is found inside the errors that a client wraps around it', () => {
    expect(
      readNoAnswer(
        new TypeError('fetch failed', {
          cause: new Error('around it', { cause: withCode('ENOTFOUND') }),
        }),
      ),
    ).toEqual({
      why: 'dns',
      code: 'ENOTFOUND',
    })
  })

  test.each(['TimeoutError', 'AbortError'])('is a timeout for %s', (name) => {
    expect(
      readNoAnswer(new TypeError('fetch failed', { cause: new DOMException('', name) })),
    ).toEqual({ why: 'timeout' })
  })

  test.each([
    ['a code that is a sentence'],
    ['lower_case'],
    [`E${'X'.repeat(80)}`],
    [42],
    [undefined],
  ])('is not named by an invalid code: %j', (code) => {
    expect(readNoAnswer(withCode(code))).toBeNull()
  })

  test.each([[new TypeError('x is not a function')], ['ECONNREFUSED'], [null]])(
    'is unknown for %j',
    (cause) => {
      expect(readNoAnswer(cause)).toBeNull()
    },
  )
})

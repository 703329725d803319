import { expect, test } from 'vitest'
import { shippingAnswer as answerTo, UNKNOWN_CODE } from '../../lib/wechat/shipping-codes.ts'

const shippingAnswer = (errcode: number, text = '') => answerTo(errcode, text)

test.each([10060002, 10060003])(
  '%i: WeChat has a shipment of the order, and accepts no other',
  (code) => {
    expect(shippingAnswer(code)).toMatchObject({
      outcome: 'already',
      code: String(code),
      remedy: expect.stringMatching(/WeChat keeps the shipment that it has/),
    })
  },
)

test.each([0, 10060023])('%i: WeChat has the shipment', (code) => {
  expect(shippingAnswer(code)).toEqual({ outcome: 'uploaded' })
})

test.each([40001, 40014, 41001, 42001])(
  '%i: the access token is not accepted, so another one is fetched',
  (code) => {
    expect(shippingAnswer(code)).toMatchObject({ outcome: 'token_refused', code: String(code) })
  },
)

test.each([-1, 10060001, 10060012, 10060019, 44990, 45009])(
  '%i: the shipment is sent again automatically',
  (code) => {
    const answer = shippingAnswer(code)
    expect(answer).toMatchObject({ outcome: 'later', code: String(code) })
    expect('remedy' in answer ? answer.remedy : '').toContain('sent again automatically')
  },
)

test.each([
  [45011, 'quota of this call for one minute'],
  [268485216, 'an earlier report of this order has a later time'],
])('%i is transient: %s', (code, remedy) => {
  expect(shippingAnswer(code)).toMatchObject({
    outcome: 'later',
    remedy: expect.stringContaining(remedy),
  })
})

/**
 * The codes in the table of `upload_shipping_info`, in its order, then those of any call with an
 * access token.
 */
const refusals = [
  10060004, 10060005, 10060006, 10060007, 10060008, 10060009, 10060013, 10060014, 10060020,
  10060024, 10060025, 10060026, 10060031, 268485194, 268485195, 268485196, 268485197, 268485216,
  268485224, 268485226, 268485227, 268485228, 268485253, 40013, 40125, 40164, 48001,
]

test.each(refusals)(
  '%i: the remedy says what is wrong, and does not tell the reader to look up the code',
  (code) => {
    const answer = shippingAnswer(code)
    expect(['later', 'never']).toContain(answer.outcome)
    expect('remedy' in answer ? answer.remedy : '').toMatch(/^(?!look the code up)\S.{20,}/)
  },
)

test.each([
  [10060031, 'the order does not belong to this payer: it was placed under another appid'],
  [268485226, 'an express parcel needs its tracking number'],
  [
    48001,
    'the Mini Program has no order and shipping management: switch it on in the Mini Program console, or leave shipping out',
  ],
])('%i is never retried automatically, and its remedy is: %s', (code, remedy) => {
  expect(shippingAnswer(code)).toEqual({ outcome: 'never', code: String(code), remedy, text: '' })
})

/**
 * Codes that WeChat documents as a mistake of the merchant or of ours, or as a permanent state.
 * Others are retried.
 */
const PERMANENT = [
  10060004, 10060005, 10060006, 10060007, 10060008, 10060009, 10060013, 10060014, 10060020,
  10060024, 10060025, 10060026, 10060031, 268485194, 268485195, 268485196, 268485197, 268485224,
  268485226, 268485227, 268485228, 268485253, 48001,
]

test('only a code that WeChat documents as permanent is a final refusal', () => {
  const known = [
    ...refusals,
    -1,
    10060001,
    10060012,
    10060019,
    10060002,
    10060003,
    44990,
    45009,
    45011,
    40001,
    40014,
    41001,
    42001,
  ]
  const final = known.filter((code) => shippingAnswer(code).outcome === 'never')
  expect(final.toSorted((a, b) => a - b)).toEqual(PERMANENT.toSorted((a, b) => a - b))
})

test.each([10069999, 40097, 41030, 43002, 47001, 61003, 99999, 2 ** 31, -2, 1.5])(
  'the unknown code %i is retried',
  (code) => {
    expect(shippingAnswer(code, 'something new')).toEqual({
      ...UNKNOWN_CODE,
      code: String(code),
      text: 'something new',
    })
    expect(UNKNOWN_CODE.outcome).toBe('later')
  },
)

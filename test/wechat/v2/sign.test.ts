import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sign, signed, verify, type SignType } from '../../../lib/wechat/v2/sign.ts'

const KEY = 'DemoV2ApiKey00000000000000000001'
const types: readonly SignType[] = ['MD5', 'HMAC-SHA256']

/** The example in the WeChat Pay manual, chapter "signature algorithm". */
const published = new Map([
  ['appid', 'wxd930ea5d5a258f4f'],
  ['mch_id', '10000100'],
  ['device_info', '1000'],
  ['body', 'test'],
  ['nonce_str', 'ibuaiVcKdpRxkhJA'],
])
const PUBLISHED_KEY = '192006250b4c09247ec02edce69f6a2d'
const PUBLISHED_MD5 = '9A0A8659F005D6984697E2CA0A9CF3B7'
const PUBLISHED_HMAC = '6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6'

describe('the published example', () => {
  test('has the MD5 signature of the manual', () => {
    expect(sign(published, PUBLISHED_KEY, 'MD5')).toBe(PUBLISHED_MD5)
  })

  test('has the HMAC-SHA256 signature of the manual, with the key inside the message too', () => {
    expect(sign(published, PUBLISHED_KEY, 'HMAC-SHA256')).toBe(PUBLISHED_HMAC)
  })

  test.each([
    ['MD5', '2D1D489A760B61C92B9D2581B0269573'],
    ['HMAC-SHA256', 'BEC8755EAD4F6609B236CAD7F3C52CA0BBB60233E0AFC2AE54026E016CD8F496'],
  ] as const)('a payment is signed with %s as the protocol lists it', (signType, paySign) => {
    const button = new Map([
      ['appId', 'wx00000000demo0001'],
      ['timeStamp', '1735758246'],
      ['nonceStr', '5K8264ILTKCH16CQ2502SI8ZNMTM67VS'],
      ['package', 'prepay_id=wx02030405000000demo00000000000001'],
      ['signType', signType],
    ])
    expect(sign(button, KEY, signType)).toBe(paySign)
  })
})

describe('the signed text', () => {
  test('sorts names by bytes: capitals, then digits before letters, the underscore between', () => {
    const fields = new Map(Object.entries({ a_b: '1', aB: '2', aa: '3', A: '4', a1: '5', a: '6' }))
    expect(sign(fields, KEY, 'MD5')).toBe('EAA80E1BF5C04560DA90EDAF672096B4')
  })

  test('has coupon 10 before coupon 2', () => {
    const fields = new Map(
      Object.entries({
        coupon_fee: '30',
        coupon_fee_0: '10',
        coupon_fee_10: '10',
        coupon_fee_2: '10',
        coupon_count: '3',
      }),
    )
    expect(sign(fields, KEY, 'MD5')).toBe('C7A3061D6996C7BA768DFB4CC39A5E98')
  })

  test('has values unchanged, with Chinese characters and ampersands unescaped', () => {
    const fields = new Map(
      Object.entries({ body: '示例商城-咖啡 & 茶', attach: 'a=1&b=2+c', nonce_str: 'n2' }),
    )
    expect(sign(fields, KEY, 'HMAC-SHA256')).toBe(
      '235A62870E561194A7244D2382A1BC7A44FBD937651BCF138690A86798C148B5',
    )
  })

  test('has a value of zero', () => {
    expect(
      sign(new Map(Object.entries({ total_fee: '0', cash_fee: '0', nonce_str: 'n3' })), KEY, 'MD5'),
    ).toBe('E18D5CEDEE84A3FD5243233B82BEE49D')
  })

  test('has the blanks around a value', () => {
    expect(sign(new Map(Object.entries({ attach: ' padded ', nonce_str: 'n5' })), KEY, 'MD5')).toBe(
      '79BB3E8E1E44FF27C7FF2A84A0BA58A1',
    )
  })

  test('does not have the message’s own signature', () => {
    expect(sign(new Map([...published, ['sign', 'anything']]), PUBLISHED_KEY, 'MD5')).toBe(
      PUBLISHED_MD5,
    )
  })
})

describe('verification', () => {
  const genuine = new Map([...published, ['sign', PUBLISHED_MD5]])

  test('recognises the signature type by the length', () => {
    expect([
      verify(genuine, PUBLISHED_KEY),
      verify(new Map([...published, ['sign', PUBLISHED_HMAC]]), PUBLISHED_KEY),
    ]).toEqual(types)
  })

  test.each([
    ['no signature', undefined],
    ['an empty signature', ''],
    ['a signature in lower case', PUBLISHED_MD5.toLowerCase()],
    ['a signature without its last character', PUBLISHED_MD5.slice(0, -1)],
    ['a signature followed by a blank', `${PUBLISHED_MD5} `],
    ['an HMAC truncated to the length of an MD5', PUBLISHED_HMAC.slice(0, 32)],
    ['an MD5 repeated twice', PUBLISHED_MD5 + PUBLISHED_MD5],
    ['as many multi-byte characters', '中'.repeat(32)],
    ['as many bytes of multi-byte characters', 'é'.repeat(16)],
    ['noughts', '0'.repeat(64)],
  ])('%s is refused', (_, forged) => {
    expect(
      verify(
        forged === undefined ? published : new Map([...published, ['sign', forged]]),
        PUBLISHED_KEY,
      ),
    ).toBeNull()
  })

  test('ignores a sign_type that differs from the signature', () => {
    const named = signed(new Map([...published, ['sign_type', 'HMAC-SHA256']]), KEY, 'MD5')
    expect(verify(named, KEY)).toBe('MD5')
  })

  test('includes unknown fields', () => {
    expect(verify(new Map([...genuine, ['brand_new_field_2031', 'x']]), PUBLISHED_KEY)).toBeNull()
  })
})

describe('for any message', () => {
  const value = fc.string({ unit: 'grapheme', maxLength: 20 })
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,11}$/).filter((text) => text !== 'sign')
  const entries = fc.uniqueArray(fc.tuple(name, value), {
    minLength: 1,
    maxLength: 12,
    selector: ([own]) => own,
  })
  const type = fc.constantFrom(...types)
  const key = fc.string({ minLength: 1, maxLength: 40 })

  test('the order of fields does not matter', () => {
    fc.assert(
      fc.property(
        entries.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        key,
        type,
        ([all, shuffled], secret, signType) => {
          expect(sign(new Map(shuffled), secret, signType)).toBe(
            sign(new Map(all), secret, signType),
          )
        },
      ),
    )
  })

  test('empty fields do not matter', () => {
    fc.assert(
      fc.property(entries, fc.array(name), key, type, (all, empty, secret, signType) => {
        const padded = new Map([...empty.map((own) => [own, ''] as const), ...all])
        expect(sign(padded, secret, signType)).toBe(sign(new Map(all), secret, signType))
      }),
    )
  })

  test('a changed value of any field changes the signature', () => {
    fc.assert(
      fc.property(entries, fc.nat(), value, key, type, (all, at, other, secret, signType) => {
        const [own, before] = all[at % all.length] ?? ['', '']
        fc.pre(before !== other)
        expect(
          verify(new Map([...signed(new Map(all), secret, signType), [own, other]]), secret),
        ).toBeNull()
      }),
    )
  })

  test('another key changes the signature', () => {
    fc.assert(
      fc.property(entries, key, key, type, (all, secret, other, signType) => {
        fc.pre(secret !== other)
        expect(verify(signed(new Map(all), secret, signType), other)).toBeNull()
      }),
    )
  })

  test('our signature verifies with its own type', () => {
    fc.assert(
      fc.property(entries, key, type, (all, secret, signType) => {
        expect(verify(signed(new Map(all), secret, signType), secret)).toBe(signType)
      }),
    )
  })
})

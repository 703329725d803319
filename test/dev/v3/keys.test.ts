/** WeChat's keys over APIv3: platform certificates, rotation, and notifications under each key. */
import { X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Aes } from 'wechatpay-axios-plugin'
import { demoV3Values } from '../../../dev/world/demo-values.ts'
import { openNotification, openPeer, order, paymentWith, PUBLIC_KEY_ID, type Peer } from './peer.ts'

const API_KEY = demoV3Values.WECHAT_PAY_V3_KEY
const DAY_MS = 86_400_000

let peer: Peer
afterEach(() => peer.stop())

interface Downloaded {
  readonly data: readonly {
    readonly serial_no: string
    readonly effective_time: string
    readonly expire_time: string
    readonly encrypt_certificate: {
      readonly algorithm: string
      readonly associated_data: string
      readonly nonce: string
      readonly ciphertext: string
    }
  }[]
}

const keysOf = (shop: Peer): Readonly<Record<string, string>> => {
  const { publicKeys, certificates } = shop.simulator.keys()
  return Object.fromEntries<string>([
    ...publicKeys.map(({ id, pem }) => [id, pem] as const),
    ...certificates.map(({ serial, pem }) => [serial, pem] as const),
  ])
}
const pay = async (certs = keysOf(peer)) => {
  const { data } = await peer
    .client(certs)
    .post<{ prepay_id: string }>('/v3/pay/transactions/jsapi', order(peer))
  expect(peer.simulator.pay(paymentWith(data.prepay_id)).errMsg).toBe('requestPayment:ok')
}
/** Delivers the notification until it was sent this many times. */
const deliver = async (times: number) => {
  peer.answer = 500
  for (let round = 0; round < times; round += 1) {
    await peer.simulator.tick()
    peer.advance(30_000)
  }
}

describe('a merchant with platform certificates', () => {
  beforeEach(async () => {
    peer = await openPeer('certificates')
  })

  test('downloads, decrypts and uses them', async () => {
    const certs = keysOf(peer)
    const { data } = await peer.client(certs).get<Downloaded>('/v3/certificates')
    const [entry] = data.data
    if (entry === undefined) throw new Error('no certificate')
    const { ciphertext, nonce, associated_data } = entry.encrypt_certificate
    expect(associated_data).toBe('certificate')
    const pem = Aes.AesGcm.decrypt(ciphertext, API_KEY, nonce, associated_data)
    const certificate = new X509Certificate(pem)
    expect(certificate.serialNumber).toBe(entry.serial_no)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect(certificate.validToDate).toEqual(new Date(entry.expire_time))
    expect(certificate.validFromDate).toEqual(new Date(entry.effective_time))
    await pay({ [entry.serial_no]: pem })
    await peer.simulator.tick()
    const [message] = peer.received
    if (message === undefined) throw new Error('no notification')
    expect(openNotification(message, pem)).toMatchObject({
      serial: entry.serial_no,
      isGenuine: true,
    })
  })

  test('has two while they change, and the answer follows the request', async () => {
    const [old] = peer.simulator.keys().certificates
    const { certificates } = peer.simulator.changeKeys({ rotate: 'certificate' })
    const serials = certificates.map(({ serial }) => serial)
    expect(serials).toEqual([old?.serial, expect.any(String)])
    const answers = await Promise.all(
      serials.map((serial) =>
        peer
          .client(keysOf(peer))
          .get('/v3/certificates', { headers: { 'Wechatpay-Serial': serial } }),
      ),
    )
    expect(answers.map(({ headers }) => String(headers['wechatpay-serial']))).toEqual(serials)
    const retired = peer.simulator.changeKeys({ retire: old?.serial ?? '' })
    expect(retired.certificates.map(({ serial }) => serial)).toEqual(serials.slice(1))
    expect(() => peer.simulator.changeKeys({ retire: serials[1] ?? '' })).toThrow(
      'the last key cannot be retired',
    )
  })

  test('gets a new one before the last one ends', () => {
    const [first] = peer.simulator.keys().certificates
    peer.advance((1826 - 9) * DAY_MS)
    const both = peer.simulator.keys().certificates
    expect(both).toHaveLength(2)
    peer.advance(10 * DAY_MS)
    const rest = peer.simulator.keys().certificates
    expect(rest).toEqual(both.slice(1))
    expect(rest[0]?.serial).not.toBe(first?.serial)
  })
})

describe('notifications of a merchant with a public key', () => {
  beforeEach(async () => {
    peer = await openPeer('public-key')
  })

  test('have empty and other associated data in turn, and the same id', async () => {
    await pay()
    await deliver(3)
    const opened = peer.received.map((message) => openNotification(message))
    expect(opened.map(({ resource }) => resource.associated_data)).toEqual([
      'transaction',
      '',
      'transaction',
    ])
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1)
    expect(opened.every(({ isGenuine }) => isGenuine)).toBe(true)
  })

  test('take every valid key in turn during a change-over', async () => {
    await pay()
    const { certificates } = peer.simulator.changeKeys({ mode: 'change-over' })
    const [certificate] = certificates
    await deliver(2)
    const opened = peer.received.map((message, index) =>
      openNotification(message, index === 0 ? undefined : certificate?.pem),
    )
    expect(opened.map(({ serial, isGenuine }) => [serial, isGenuine])).toEqual([
      [PUBLIC_KEY_ID, true],
      [certificate?.serial, true],
    ])
  })

  test('are signed with the old and the new public key after a rotation', async () => {
    const [, added] = peer.simulator.changeKeys({ rotate: 'public-key' }).publicKeys
    await pay()
    await deliver(2)
    expect(peer.received.map((message) => openNotification(message, added?.pem))).toMatchObject([
      { serial: added?.id, isGenuine: true },
      { serial: PUBLIC_KEY_ID, isGenuine: false },
    ])
  })

  test('follow a probe that must be refused', async () => {
    await pay()
    peer.simulator.misbehave({ on: 'notify', do: 'probe', times: 1 })
    await peer.simulator.tick()
    const signatures = peer.received.map(({ headers }) => headers['wechatpay-signature'])
    expect(signatures[0]).toMatch(/^WECHATPAY\/SIGNTEST\//)
    expect(peer.simulator.notifications()[0]).toMatchObject({
      acknowledged: true,
      attempts: [{ problem: 'a signature probe was acknowledged' }, { problem: null }],
    })
  })

  test('follow one of an unknown kind', async () => {
    await pay()
    peer.simulator.misbehave({ on: 'notify', do: 'unknown-event', times: 1 })
    await peer.simulator.tick()
    expect(peer.received.map((message) => openNotification(message))).toMatchObject([
      { event_type: 'COUPON.USE', isGenuine: true },
      { event_type: 'TRANSACTION.SUCCESS', isGenuine: true },
    ])
  })

  test('come several times with the same id', async () => {
    await pay()
    peer.simulator.misbehave({ on: 'notify', do: 'repeat', copies: 3, times: 1 })
    await peer.simulator.tick()
    const ids = peer.received.map((message) => openNotification(message).id)
    expect(ids).toHaveLength(3)
    expect(new Set(ids).size).toBe(1)
  })

  test.each(['unsigned', 'wrong-key', 'tamper', 'truncate', 'garble'] as const)(
    'do not verify with the fault %s',
    async (fault) => {
      await pay()
      peer.simulator.misbehave({ on: 'notify', do: fault })
      await peer.simulator.tick()
      const [message] = peer.received
      if (message === undefined) throw new Error('no notification')
      const isGenuine = (): boolean => {
        try {
          return openNotification(message).isGenuine
        } catch {
          return false
        }
      }
      expect(isGenuine()).toBe(false)
    },
  )

  test.each([
    ['wrong-mch-id', { mchid: '1900009999' }],
    ['wrong-appid', { appid: 'wx00000000other001' }],
    ['wrong-amount', { amount: { total: 102, payer_total: 102 } }],
  ] as const)('with the fault %s are genuine, of something else', async (fault, plain) => {
    await pay()
    peer.simulator.misbehave({ on: 'notify', do: fault })
    await peer.simulator.tick()
    expect(peer.received.map((message) => openNotification(message))).toMatchObject([
      { isGenuine: true, plain },
    ])
  })

  test('are sent again until the shop answers 200 or 204', async () => {
    await pay()
    await deliver(1)
    expect(peer.simulator.notifications()[0]).toMatchObject({
      acknowledged: false,
      attempts: [{ status: 500, problem: 'HTTP 500' }],
    })
    peer.answer = 200
    await peer.simulator.tick()
    expect(peer.simulator.notifications()[0]).toMatchObject({ acknowledged: true, rounds: 2 })
  })
})

/** Platform certificates: downloaded once for all instances, verified, and renewed in time. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Found } from '../../../lib/ports.ts'
import {
  createCertificateKeys,
  type SharedCertificates,
} from '../../../lib/wechat/v3/certificates.ts'
import type { PlatformKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import {
  certificateList,
  newCertificate,
  type PlatformCertificate,
} from '../../support/v3-certificates.ts'
import { AT, isSigned, openHost, reply, unsigned, type Host } from '../../support/v3-host.ts'
import { demoV3, PUBLIC_KEY_ID, wechatPair } from '../../support/v3-keys.ts'

const DAY_MS = 86_400_000
const after = (ms: number) => new Date(AT.getTime() + ms)
const yearAgo = after(-365 * DAY_MS)
const today = newCertificate(
  '71A0000000000000000000000000000000000001',
  yearAgo,
  after(30 * DAY_MS),
)
const next = newCertificate(
  '71A0000000000000000000000000000000000002',
  yearAgo,
  after(365 * DAY_MS),
)
const expired = newCertificate('71A0000000000000000000000000000000000003', yearAgo, after(-DAY_MS))

/** A store as several instances see it: it keeps one value and one lock. */
function createStore() {
  let kept: string | undefined
  let isLocked = false
  const lock = { name: 'certificates', token: 'token' }
  const store: SharedCertificates = {
    find: async (): Promise<Found<string>> => {
      if (kept !== undefined) return { kept }
      if (isLocked) return 'busy'
      isLocked = true
      return { lock }
    },
    async keep(_id, value) {
      kept = value
      isLocked = false
    },
    async forget(_id, value) {
      if (kept === value) kept = undefined
    },
  }
  return { store, read: () => kept, write: (value: string) => (kept = value) }
}
const down: SharedCertificates = {
  find: async () => 'down',
  keep: async () => undefined,
  forget: async () => undefined,
}

let host: Host
let now: Date
beforeAll(async () => {
  host = await openHost(() => 'reset')
})
beforeEach(() => {
  now = AT
  host.received.length = 0
})
afterAll(() => host.close())

const serve = (certificates: readonly PlatformCertificate[], signer = certificates[0]) => {
  host.behave = () =>
    signer === undefined
      ? reply(200, certificateList(certificates))
      : reply(200, certificateList(certificates), {
          serial: signer.serial,
          key: signer.key,
          at: now,
        })
}
function newInstance(
  shared: SharedCertificates,
  changes: Partial<typeof demoV3> = {},
): PlatformKeys {
  const settings = { ...demoV3, publicKeys: new Map(), hosts: [host.url] as const, ...changes }
  return createCertificateKeys(settings, { newNonce: () => 'n'.repeat(32), now: () => now }, shared)
}
const later = (ms: number) => {
  now = new Date(now.getTime() + ms)
}

describe('an instance', () => {
  test('downloads the certificates once, with a signed call', async () => {
    serve([today, next])
    const keys = newInstance(down)
    expect(await keys.current()).toBe(next.serial)
    expect((await keys.find(today.serial))?.asymmetricKeyType).toBe('rsa')
    expect(await keys.find(next.serial)).not.toBeNull()
    expect(host.received).toHaveLength(1)
    expect(host.received[0]).toMatchObject({ method: 'GET', target: '/v3/certificates' })
    expect(host.received[0] && isSigned(host.received[0])).toBe(true)
  })

  test('downloads once for any number of calls at the same time', async () => {
    serve([today])
    const keys = newInstance(down)
    const found = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0 ? keys.current() : keys.find(today.serial),
      ),
    )
    expect(found).not.toContain(null)
    expect(host.received).toHaveLength(1)
  })

  test('does not use an expired certificate', async () => {
    serve([today, expired])
    const keys = newInstance(down)
    expect(await keys.find(expired.serial)).toBeNull()
    later(31 * DAY_MS)
    host.behave = () => 'reset'
    expect(await keys.find(today.serial)).toBeNull()
    expect(await keys.current()).toBeNull()
  })

  test('uses a certificate from its first second until before its last', async () => {
    const soon = newCertificate(
      '71A0000000000000000000000000000000000004',
      after(1_000),
      after(400 * DAY_MS),
    )
    serve([today, soon])
    const keys = newInstance(down)
    expect([await keys.current(), await keys.find(soon.serial)]).toEqual([today.serial, null])
    later(1_000)
    expect(await keys.current()).toBe(soon.serial)
    host.behave = () => 'reset'
    later(400 * DAY_MS - 1_001)
    expect(await keys.current()).toBe(soon.serial)
    later(1)
    expect(await keys.current()).toBeNull()
  })
})

describe('a serial that WeChat refuses', () => {
  test('is replaced with the certificate that ends last', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    later(60_000)
    serve([today, next])
    expect(await keys.replace(today.serial)).toBe(next.serial)
    expect(host.received).toHaveLength(2)
  })

  test('has no replacement while WeChat has no other certificate, or none at all', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    later(60_000)
    expect(await keys.replace(today.serial)).toBeNull()
    host.behave = () => 'reset'
    expect(await newInstance(down).replace(today.serial)).toBeNull()
  })

  test('causes at most one download a minute', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    serve([today, next])
    later(59_999)
    expect(await keys.replace(today.serial)).toBeNull()
    expect(host.received).toHaveLength(1)
  })
})

describe('a download is refused', () => {
  test.each<readonly [string, () => void]>([
    ['without a signature', () => (host.behave = () => unsigned(200, certificateList([today])))],
    ['that is signed with a key it does not bring', () => serve([today], next)],
    [
      'whose signature is forged',
      () => {
        host.behave = () =>
          reply(200, certificateList([today]), { serial: today.serial, key: next.key })
      },
    ],
    [
      'that is old',
      () => {
        const signing = { serial: today.serial, key: today.key, at: after(-300_000) }
        host.behave = () => reply(200, certificateList([today]), signing)
      },
    ],
    ['with another serial than its certificate', () => serve([{ ...today, serial: next.serial }])],
    ['that is empty', () => serve([], today)],
    ['that is no certificate', () => serve([{ ...today, pem: 'no certificate' }])],
    [
      'whose certificate has a key of another algorithm',
      () => serve([newCertificate(next.serial, yearAgo, after(DAY_MS), 'ec')], today),
    ],
    [
      'with another status than 200',
      () => {
        const signing = { serial: today.serial, key: today.key }
        host.behave = () => reply(201, certificateList([today]), signing)
      },
    ],
    ['that does not arrive', () => (host.behave = () => 'reset')],
    ['with an error', () => (host.behave = () => unsigned(400, { code: 'PARAM_ERROR' }))],
  ])('%s', async (_what, behave) => {
    behave()
    expect(await newInstance(down).current()).toBeNull()
  })
})

describe('a fault of the configuration is named', () => {
  test('if WeChat has no certificates for the merchant', async () => {
    host.behave = () => unsigned(404, { code: 'RESOURCE_NOT_EXISTS', message: '无可用的平台证书' })
    const keys = newInstance(down)
    await expect(keys.current()).rejects.toMatchObject({ variable: 'WECHAT_PAY_PUBLIC_KEY' })
    await expect(keys.find(today.serial)).rejects.toMatchObject({
      variable: 'WECHAT_PAY_PUBLIC_KEY',
      fault: 'is not set, and WeChat has no platform certificates for this merchant',
    })
    expect(host.received).toHaveLength(1)
  })

  test.each([
    ['404 with another code', unsigned(404, { code: 'NOT_FOUND' })],
    ['404 without JSON', unsigned(404, 'no such page')],
    ['that code with another status', unsigned(403, { code: 'RESOURCE_NOT_EXISTS' })],
  ])('but not by %s', async (_what, answer) => {
    host.behave = () => answer
    expect(await newInstance(down).current()).toBeNull()
  })

  test('if the APIv3 key does not decrypt the certificates', async () => {
    host.behave = () => reply(200, certificateList([today], 'DemoV3ApiKey00000000000000000002'))
    await expect(newInstance(down).current()).rejects.toMatchObject({
      variable: 'WECHAT_PAY_V3_KEY',
      fault: 'is not the APIv3 key of this merchant: it does not decrypt the platform certificates',
    })
  })

  test('but not for a merchant with a public key', async () => {
    host.behave = () => unsigned(404, { code: 'RESOURCE_NOT_EXISTS' })
    const publicKeys = new Map([[PUBLIC_KEY_ID, wechatPair.publicKey]])
    expect(await newInstance(down, { publicKeys }).find(today.serial)).toBeNull()
  })

  test('and no longer once WeChat has certificates', async () => {
    host.behave = () => unsigned(404, { code: 'RESOURCE_NOT_EXISTS' })
    const keys = newInstance(down)
    await expect(keys.current()).rejects.toThrow('WECHAT_PAY_PUBLIC_KEY')
    serve([today])
    later(5_000)
    expect(await keys.current()).toBe(today.serial)
  })
})

test('a list that is signed with the public key is accepted while a merchant changes over', async () => {
  host.behave = () => reply(200, certificateList([today]))
  const publicKeys = new Map([[PUBLIC_KEY_ID, wechatPair.publicKey]])
  expect(await newInstance(down, { publicKeys }).find(today.serial)).not.toBeNull()
})

describe('an unknown serial', () => {
  test('causes at most one download a minute', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    expect(await keys.find(next.serial)).toBeNull()
    later(59_999)
    for (const serial of [next.serial, 'FF', 'PUB_KEY_ID_1'])
      expect(await keys.find(serial)).toBeNull()
    expect(host.received).toHaveLength(1)
    later(1)
    serve([next, today])
    expect(await keys.find(next.serial)).not.toBeNull()
    expect(host.received).toHaveLength(2)
  })

  test('causes at most one download a minute if downloads fail, too', async () => {
    host.behave = () => unsigned(503, { code: 'SERVICE_UNAVAILABLE' })
    const keys = newInstance(down)
    for (let second = 0; second < 60; second += 10) {
      expect(await keys.find(next.serial)).toBeNull()
      later(10_000)
    }
    expect(host.received).toHaveLength(1)
  })

  test('causes a download again if the clock was set back by more than a minute', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    later(-60_000)
    serve([next, today])
    expect(await keys.find(next.serial)).not.toBeNull()
    expect(host.received).toHaveLength(2)
  })

  test('causes no download if the clock was set back by less', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    later(-59_999)
    expect(await keys.find(next.serial)).toBeNull()
    expect(host.received).toHaveLength(1)
  })

  test('causes one download for all instances', async () => {
    const { store } = createStore()
    serve([today])
    const instances = [newInstance(store), newInstance(store), newInstance(store)]
    await Promise.all(instances.map((keys) => keys.current()))
    expect(host.received).toHaveLength(1)
    later(3_600_000)
    serve([next, today])
    const found = await Promise.all(instances.map((keys) => keys.find(next.serial)))
    expect(found).not.toContain(null)
    expect(host.received).toHaveLength(2)
  })
})

describe('the shared store', () => {
  test('serves an instance that starts later, without a download', async () => {
    const { store } = createStore()
    serve([today])
    await newInstance(store).current()
    later(20 * DAY_MS)
    expect(await newInstance(store).current()).toBe(today.serial)
    expect(host.received).toHaveLength(1)
  })

  test.each([
    ['has signed a message', (keys: PlatformKeys) => keys.find(next.serial)],
    ['replaces a refused one', (keys: PlatformKeys) => keys.replace(today.serial)],
  ])('does not hide a certificate from a new instance if it is newer and %s', async (_, look) => {
    const { store } = createStore()
    serve([today])
    await newInstance(store).current()
    serve([next, today])
    later(60_000)
    expect(await look(newInstance(store))).not.toBeNull()
    expect(host.received).toHaveLength(2)
  })

  test('limits the downloads for unknown serial numbers on all instances together', async () => {
    const { store } = createStore()
    serve([today])
    await newInstance(store).current()
    later(59_999)
    for (let count = 0; count < 5; count += 1)
      expect(await newInstance(store).find(next.serial)).toBeNull()
    expect(host.received).toHaveLength(1)
  })

  test('keeps the download until its last certificate ends', async () => {
    const { store } = createStore()
    const lives: number[] = []
    const keep: SharedCertificates['keep'] = async (id, value, lifeMs) => {
      lives.push(lifeMs)
      await store.keep(id, value, lifeMs)
    }
    serve([today, next])
    await newInstance({ ...store, keep }).current()
    expect(lives).toEqual([365 * DAY_MS])
  })

  test('is not asked to keep certificates that have all ended', async () => {
    const { store, read } = createStore()
    serve([expired])
    expect(await newInstance(store).current()).toBeNull()
    expect(read()).toBeUndefined()
  })

  test('has no certificate in plain text, and brings no foreign key', async () => {
    const { store, read, write } = createStore()
    serve([today])
    await newInstance(store).current()
    expect(read()).not.toContain('CERTIFICATE')
    const forged = certificateList([next], 'AnotherApiKey0000000000000000001')
    write(JSON.stringify({ body: JSON.stringify(forged), at: AT.getTime() }))
    expect(await newInstance(store).find(next.serial)).toBeNull()
  })

  test.each([
    ['that is not JSON', '{'],
    ['of another form', '{"body":1}'],
    [
      'from the future',
      JSON.stringify({
        body: JSON.stringify(certificateList([expired])),
        at: after(3_600_000).getTime(),
      }),
    ],
  ])('with a value %s is filled again', async (_what, value) => {
    const { store, write } = createStore()
    write(value)
    serve([today])
    expect(await newInstance(store).current()).toBe(today.serial)
    expect(host.received).toHaveLength(1)
  })

  test('keeps its value if a later download fails', async () => {
    const { store, read } = createStore()
    serve([today])
    const keys = newInstance(store)
    await keys.current()
    const before = read()
    later(60_000)
    host.behave = () => 'reset'
    expect(await keys.find(next.serial)).toBeNull()
    expect(read()).toBe(before)
    expect(await keys.find(today.serial)).not.toBeNull()
  })
})

describe('the certificates are renewed a day before they end', () => {
  test('and not earlier', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    serve([next, today])
    later(29 * DAY_MS)
    expect(await keys.current()).toBe(today.serial)
    later(1)
    expect(await keys.current()).toBe(next.serial)
    expect(host.received).toHaveLength(2)
  })

  test('and once an hour if WeChat has no newer one', async () => {
    serve([today])
    const keys = newInstance(down)
    await keys.current()
    later(29 * DAY_MS + 1)
    for (let minute = 0; minute < 60; minute += 1) {
      expect(await keys.current()).toBe(today.serial)
      later(60_000)
    }
    expect(host.received).toHaveLength(2)
  })
})

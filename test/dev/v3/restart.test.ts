/** The keys of WeChat survive a restart of the simulator and of the local world. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  demoCertificate,
  demoV3Values,
  demoValues,
  demoWechatPrivateKey,
} from '../../../dev/world/demo-values.ts'
import { startWorld } from '../../../dev/world/world.ts'
import { createSimulator } from '../../../dev/wechat/create-simulator.ts'
import type { Simulator } from '../../../dev/wechat/simulator.ts'
import { borrowStore } from '../../support/embedded.ts'
import { textOf, toPayment, type Json } from '../../support/shop.ts'

let dataDirectory: string
beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'restart-'))
})
afterEach(() => rm(dataDirectory, { recursive: true }))

const PUBLIC_KEY: { readonly id: string; readonly privateKey: string } = {
  id: demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID,
  privateKey: demoWechatPrivateKey,
}
const open = (publicKey?: typeof PUBLIC_KEY): Simulator =>
  createSimulator({
    appid: demoValues.WECHAT_APPID,
    appSecret: 's',
    mchId: demoValues.WECHAT_MCH_ID,
    payKey: demoValues.WECHAT_PAY_KEY,
    v3: {
      apiKey: demoV3Values.WECHAT_PAY_V3_KEY,
      merchantCertificate: demoCertificate.WECHAT_PAY_CERT,
      ...(publicKey === undefined ? {} : { publicKey }),
    },
    now: () => Date.now(),
    stateFile: join(dataDirectory, 'wechat.json'),
  })

test('platform certificates are the same after a restart', () => {
  const first = open().keys()
  expect(first.certificates).toHaveLength(1)
  expect(open().keys()).toEqual(first)
  const [old, added] = open().changeKeys({ rotate: 'certificate' }).certificates
  expect(old).toEqual(first.certificates[0])
  expect(open().changeKeys({ retire: old?.serial ?? '' }).certificates).toEqual([added])
  expect(open().keys().certificates).toEqual([added])
})

test('a change-over goes on after a restart', () => {
  const changed = open(PUBLIC_KEY).changeKeys({ mode: 'change-over', rotate: 'public-key' })
  expect(changed).toMatchObject({ publicKeys: [{ id: PUBLIC_KEY.id }, {}], certificates: [{}] })
  expect(open(PUBLIC_KEY).keys()).toEqual(changed)
})

test('settings with another public key start with that key alone', () => {
  open(PUBLIC_KEY).changeKeys({ rotate: 'public-key' })
  const other = { ...PUBLIC_KEY, id: `${PUBLIC_KEY.id}9` }
  expect(open(other).keys().publicKeys).toMatchObject([{ id: other.id }])
  expect(open().keys()).toMatchObject({ mode: 'certificates', publicKeys: [] })
})

test('a shop with the new public key is paid after the restart of the local world', async () => {
  const [old, added] = open(PUBLIC_KEY).changeKeys({ rotate: 'public-key' }).publicKeys
  vi.resetModules()
  const world = await startWorld({
    ...(await borrowStore()),
    dataDirectory,
    env: {
      ...demoV3Values,
      ...demoCertificate,
      WECHAT_PAY_API: 'v3',
      WECHAT_PAY_PUBLIC_KEY: added?.pem ?? '',
      WECHAT_PAY_PUBLIC_KEY_ID: added?.id ?? '',
      WECHAT_PAY_PUBLIC_KEY_OTHER: old?.pem ?? '',
      WECHAT_PAY_PUBLIC_KEY_ID_OTHER: old?.id ?? '',
    },
  })
  try {
    const { simulator } = world
    if (simulator === undefined) throw new Error('the world has no WeChat simulator')
    await simulator.stop()
    const post = async (path: string, body: object): Promise<Json> => {
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${world.env.MERCHANT_API_KEY}`,
      }
      const answer = await fetch(`${world.url}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      const json: Json = JSON.parse(await answer.text())
      return json
    }
    simulator.issueCode('oVisitor')
    const order = { openid: 'oVisitor', totalFee: 2800, body: '拿铁' }
    const outTradeNo = textOf(await post('/api/orders', order), 'outTradeNo')
    const payment = toPayment(await post('/api/prepay', { outTradeNo }))
    expect(simulator.pay(payment)).toEqual({ errMsg: 'requestPayment:ok' })
    await simulator.tick()
    await world.settled()
    expect(simulator.notifications()).toMatchObject([{ acknowledged: true, rounds: 1 }])
    expect(world.events.map(({ body }) => body)).toEqual([expect.stringContaining('order.paid')])
  } finally {
    await world.stop()
  }
}, 60_000)

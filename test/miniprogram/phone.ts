/**
 * A phone with one app on it: a `wx` that behaves like the real one in front of the real functions.
 *
 * Answers come later and by callback; any HTTP status is a success and only the network fails; JSON is parsed whatever the
 * content type says; the names of headers are written in the phone's own way; a code logs in once; storage survives the app.
 */
import { createPay, type Pay, type Platform } from '../../miniprogram/pay.ts'
import { openShop, type Shop } from '../support/shop.ts'

/**
 * A shop where nobody tells the functions what was paid: they have to ask. It has sold once, so that all is loaded and no
 * request is late, and asked again, for that.
 */
export async function openQuietShop(): Promise<Shop> {
  const shop = await openShop()
  await shop.wechat.stop()
  await shop.sell()
  return shop
}

type Payer = 'pays' | 'cancels'

/** What happens to one request: answered, never sent, answered to nobody, or answered by somebody in between. */
export type Fate =
  | 'answered'
  | 'offline'
  | 'lost'
  | { readonly status: number; readonly text: string }

export interface Phone {
  readonly openid: string
  /** `POST /orders`, in the order they were made, sent or not. */
  readonly requests: string[]
  /** The bodies of those that had one. */
  readonly bodies: string[]
  /** How long the client waited, in milliseconds. */
  readonly waits: number[]
  readonly storage: Map<string, string>
  /** How often the cashier was opened. */
  cashiers: number
  fate: (request: string) => Fate
  /** What the cashier tells the app; `act` is what its user really does, and returns what an honest cashier would tell. */
  cashier: (act: (payer: Payer) => string) => string | Promise<string>
  whileWaiting: () => void
  /** Starts the app. `as` is the framework it is written with. */
  start(as?: (wx: Platform) => Platform): Pay
  /**
   * The same for an app that is killed: `lives` is asked whenever something is about to reach the app or to leave it. From its
   * first no on nothing does, and `dead` resolves.
   */
  startMortal(lives: () => boolean): { readonly client: Pay; readonly dead: Promise<void> }
}

export const cancelsHonestly: Phone['cashier'] = (act) => act('cancels')

export function createPhone(shop: Shop): Phone {
  const phone: Phone = {
    openid: `o${crypto.randomUUID().replaceAll('-', '').slice(0, 27)}`,
    requests: [],
    bodies: [],
    waits: [],
    storage: new Map(),
    cashiers: 0,
    fate: () => 'answered',
    cashier: (act) => act('pays'),
    whileWaiting: () => undefined,
    start: (as = (wx) => wx) => createClient(as(createWx(shop, phone, () => true))),
    startMortal(lives) {
      const { promise: dead, resolve } = Promise.withResolvers<void>()
      let isDead = false
      const stillLives = () => {
        isDead ||= !lives()
        if (isDead) resolve()
        return !isDead
      }
      return { client: createClient(createWx(shop, phone, stillLives)), dead }
    },
  }
  const createClient = (platform: Platform): Pay =>
    createPay({
      baseUrl: `${shop.world.url}/api`,
      platform,
      wait: async (ms) => {
        phone.waits.push(ms)
        shop.advance(ms)
        phone.whileWaiting()
      },
    })
  return phone
}

function createWx(shop: Shop, phone: Phone, lives: () => boolean): Platform {
  const later = (work: () => void) => void setImmediate(() => lives() && work())

  return {
    request({ url, method, header, data, success, fail }) {
      // Whatever name the app has for it, there is one server.
      const path = url.replace(/^https?:\/\/[^/]+/, '')
      const request = `${method} ${path.replace('/api', '').replace(/\?.*/, '')}`
      if (!lives()) return
      phone.requests.push(request)
      if (data !== undefined) phone.bodies.push(data)
      const fate = phone.fate(request)
      if (fate === 'offline')
        return later(() => fail({ errMsg: 'request:fail net::ERR_INTERNET_DISCONNECTED' }))
      if (typeof fate === 'object')
        return later(() => success({ statusCode: fate.status, data: fate.text, header: {} }))
      void shop.call(method, path, { headers: header, body: data }).then(
        ({ status, headers, text }) =>
          later(() => {
            if (fate === 'lost') fail({ errMsg: 'request:fail timeout' })
            else success({ statusCode: status, data: parse(text), header: capitalise(headers) })
          }),
        (error: unknown) => later(() => fail({ errMsg: `request:fail ${String(error)}` })),
      )
    },
    login: ({ success }) => later(() => success({ code: shop.wechat.issueCode(phone.openid) })),
    requestPayment({ success, fail, ...payment }) {
      if (!lives()) return
      phone.cashiers += 1
      const amiss = findAmiss(payment)
      const act = (payer: Payer) => shop.wechat.pay(payment, phone.openid, payer).errMsg
      const telling = Promise.resolve(amiss ?? phone.cashier(act))
      void telling.then((errMsg) =>
        later(() => (errMsg === 'requestPayment:ok' ? success({ errMsg }) : fail({ errMsg }))),
      )
    },
    getStorageSync: (key) => phone.storage.get(key) ?? '',
    setStorageSync: (key, data) => void (lives() && phone.storage.set(key, data)),
  }
}

/** The phone knows five fields, all of them texts. */
function findAmiss(payment: object): string | undefined {
  const known = ['nonceStr', 'package', 'paySign', 'signType', 'timeStamp']
  const amiss = Object.entries(payment).find(
    ([name, value]) => !known.includes(name) || typeof value !== 'string',
  )
  return amiss === undefined
    ? undefined
    : `requestPayment:fail parameter error: parameter.${amiss[0]}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const capitalise = (headers: Headers): object =>
  Object.fromEntries(
    [...headers].map(([name, value]) => [
      name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()),
      value,
    ]),
  )

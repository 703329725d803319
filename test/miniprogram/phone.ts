/**
 * A simulated device: a `wx` that behaves like the real one and calls the real functions.
 *
 * Answers arrive later and by callback. Every HTTP status is a success; only the network fails.
 * JSON is parsed whatever the content type. Header names have the device's own case. A login code
 * works once. Storage survives the app.
 */
import { createPay, type Pay, type Platform } from '../../miniprogram/pay.ts'
import { openShop, type Shop } from '../support/shop.ts'

/**
 * A shop without notifications, so that the functions have to query WeChat. One sale loads all
 * modules, so that no later request is slow and retried for that reason.
 */
export async function openShopWithoutNotifications(): Promise<Shop> {
  const shop = await openShop()
  await shop.wechat.stop()
  await shop.sell()
  return shop
}

type Payer = 'pays' | 'cancels'

/** The fate of a request: answered, not sent, its answer lost, or answered by a gateway. */
export type Fate =
  | 'answered'
  | 'offline'
  | 'lost'
  | { readonly status: number; readonly text: string }

export interface Phone {
  readonly openid: string
  /** All requests, such as `POST /orders`, in order, including those that were not sent. */
  readonly requests: string[]
  /** The bodies of the requests that had one. */
  readonly bodies: string[]
  /** The client's pauses before retries, in milliseconds. */
  readonly waits: number[]
  readonly storage: Map<string, string>
  /** How often the cashier was opened. */
  cashiers: number
  fate: (request: string) => Fate
  /**
   * Returns the cashier's report to the app. `act` lets the payer act, and returns the correct
   * report.
   */
  cashier: (act: (payer: Payer) => string) => string | Promise<string>
  /**
   * Lets the payer act in the component for the receipt, and returns the report that the app
   * receives when the user comes back.
   */
  receipt: (act: () => void) => ReceiptReport | 'does not open'
  /** The transaction ids that the component for the receipt was opened with. */
  readonly receipts: string[]
  whileWaiting: () => void
  /** Starts the app, written with the framework `as`. */
  start(as?: (wx: Platform) => Platform): Pay
  /**
   * Starts an app that will be killed. `isAlive` is called before anything reaches or leaves the
   * app. Once it returns false nothing does, and `dead` resolves.
   */
  startMortal(isAlive: () => boolean): { readonly client: Pay; readonly dead: Promise<void> }
}

interface ReceiptReport {
  readonly status: 'success' | 'fail' | 'cancel'
  readonly errormsg?: string
}

export const cancelsAndReports: Phone['cashier'] = (act) => act('cancels')

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
    receipt: (act) => {
      act()
      return { status: 'success' }
    },
    receipts: [],
    whileWaiting: () => undefined,
    start: (as = (wx) => wx) => createClient(as(createWx(shop, phone, () => true))),
    startMortal(isAlive) {
      const { promise: dead, resolve } = Promise.withResolvers<void>()
      let isDead = false
      const checkAlive = () => {
        isDead ||= !isAlive()
        if (isDead) resolve()
        return !isDead
      }
      return { client: createClient(createWx(shop, phone, checkAlive)), dead }
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

function createWx(shop: Shop, phone: Phone, isAlive: () => boolean): Platform {
  const later = (work: () => void) => void setImmediate(() => isAlive() && work())
  const shown = new Set<Parameters<NonNullable<Platform['onAppShow']>>[0]>()

  return {
    request({ url, method, header, data, success, fail }) {
      // All host names lead to the same server.
      const path = url.replace(/^https?:\/\/[^/]+/, '')
      const request = `${method} ${path.replace('/api', '').replace(/\?.*/, '')}`
      if (!isAlive()) return
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
      if (!isAlive()) return
      phone.cashiers += 1
      const invalidField = findInvalidField(payment)
      const act = (payer: Payer) => shop.wechat.pay(payment, phone.openid, payer).errMsg
      const report = Promise.resolve(invalidField ?? phone.cashier(act))
      void report.then((errMsg) =>
        later(() => (errMsg === 'requestPayment:ok' ? success({ errMsg }) : fail({ errMsg }))),
      )
    },
    openBusinessView({ businessType, extraData, success, fail }) {
      const id = 'transaction_id' in extraData ? String(extraData.transaction_id) : ''
      phone.receipts.push(id)
      const order = shop.wechat.orders().find(({ payment }) => payment?.transactionId === id)
      if (businessType !== 'weappOrderConfirm' || order?.openid !== phone.openid)
        return later(() => fail({ errMsg: 'openBusinessView:fail invalid extraData' }))
      const report = phone.receipt(() => shop.wechat.confirmReceipt(order.outTradeNo))
      if (report === 'does not open') return later(() => fail({ errMsg: 'openBusinessView:fail' }))
      later(() => success({ errMsg: 'openBusinessView:ok' }))
      const extra = { ...report, req_extradata: extraData }
      const referrerInfo = { appId: 'wx1183b055aeec94d1', extraData: extra }
      later(() => later(() => shown.forEach((listener) => listener({ referrerInfo }))))
    },
    onAppShow: (listener) => void shown.add(listener),
    offAppShow: (listener) => void shown.delete(listener),
    getStorageSync: (key) => phone.storage.get(key) ?? '',
    setStorageSync: (key, data) => void (isAlive() && phone.storage.set(key, data)),
  }
}

/** `wx.requestPayment` accepts five fields, all of them strings. */
function findInvalidField(payment: object): string | undefined {
  const known = ['nonceStr', 'package', 'paySign', 'signType', 'timeStamp']
  const invalidField = Object.entries(payment).find(
    ([name, value]) => !known.includes(name) || typeof value !== 'string',
  )
  return invalidField === undefined
    ? undefined
    : `requestPayment:fail parameter error: parameter.${invalidField[0]}`
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

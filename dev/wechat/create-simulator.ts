/**
 * A stand-in for api.weixin.qq.com and api.mch.weixin.qq.com that needs no network and is as strict
 * as WeChat.
 *
 * It has one Mini Program and one merchant, refuses what WeChat refuses, signs what WeChat signs,
 * delivers notifications on WeChat's schedule, and injects faults. A new path is one more line in
 * `endpoints`.
 */
import { Hono } from 'hono'
import { revokeTokens } from './access-token.ts'
import { closeOrder } from './close-order.ts'
import { refundInConsole } from './console-refund.ts'
import { createControl } from './control.ts'
import type { ListedRoute } from './control-route.ts'
import { billOf, downloadBill } from './download-bill.ts'
import { enveloped } from './envelope.ts'
import { serveEndpoint, type Endpoint } from './exchange.ts'
import { Faults } from './faults.ts'
import { findSignature } from './find-signature.ts'
import { getOrder } from './get-order.ts'
import { isTradeManaged } from './is-trade-managed.ts'
import { openCall, tokenCall } from './json-call.ts'
import { codeToSession, findLogin, isOpenid, issueLogin } from './login.ts'
import { MessageLog } from './message-log.ts'
import { notifyConfirmReceive } from './notify-confirm-receive.ts'
import { Notifier } from './notifier.ts'
import { Pusher } from './push/pusher.ts'
import { queuePush } from './push/queue-push.ts'
import { pushSettlements } from './push/settlement.ts'
import { writePush } from './push/write-push.ts'
import { getOrderPage, pagesOf, setShippingPage, updateOrderPage } from './order-pages.ts'
import { orderQuery } from './order-query.ts'
import { tradeStateOf } from './order.ts'
import { getUserPhoneNumber, PHONE_NUMBER, tapPhoneButton } from './phone-number.ts'
import { refundQuery } from './refund-query.ts'
import { listRefunds, refundStatusOf } from './refund.ts'
import { requestPayment } from './request-payment.ts'
import { requestRefund } from './request-refund.ts'
import { sendAgain } from './send-again.ts'
import { confirmReceipt, listShipments } from './shipment.ts'
import type { Account, Simulation } from './simulation.ts'
import type { Simulator } from './simulator.ts'
import { giveStableToken } from './stable-token.ts'
import { processEndedRefunds } from './start-refund.ts'
import { loadState, saveState } from './state-file.ts'
import { unifiedOrder } from './unified-order.ts'
import { uploadShipping } from './upload-shipping.ts'
import { userDataOf } from './user-data.ts'
import { messagesOf } from './post-notification.ts'
import { openV3, type V3 } from './v3/account.ts'
import { complain, processOverdueComplaints } from './v3/complaints.ts'
import { v3Endpoints } from './v3/endpoints.ts'
import type { WechatKeys } from './v3/wechat-keys.ts'

export interface SimulatorOptions extends Account {
  /** In milliseconds. */
  readonly now: () => number
  /**
   * Moves that clock, and everything else that uses it. @throws TypeError with the reason if it
   * cannot be moved
   */
  readonly advance?: (ms: number) => void
  /** The file that keeps the state across restarts. Without it the simulator starts empty. */
  readonly stateFile?: string
  /** The control routes of the world, for the list of `GET /control`. */
  readonly alsoListed?: () => readonly ListedRoute[]
}

const endpoints: readonly Endpoint[] = [
  { path: '/sns/jscode2session', faultTarget: 'jscode2session', answer: codeToSession },
  { path: '/pay/unifiedorder', faultTarget: 'unifiedorder', answer: enveloped(unifiedOrder) },
  { path: '/pay/orderquery', faultTarget: 'orderquery', answer: enveloped(orderQuery) },
  { path: '/pay/closeorder', faultTarget: 'closeorder', answer: enveloped(closeOrder) },
  { path: '/secapi/pay/refund', faultTarget: 'refund', answer: enveloped(requestRefund) },
  { path: '/pay/refundquery', faultTarget: 'refundquery', answer: enveloped(refundQuery) },
  { path: '/pay/downloadbill', faultTarget: 'downloadbill', answer: downloadBill },
  { path: '/cgi-bin/stable_token', faultTarget: 'stable_token', answer: openCall(giveStableToken) },
  {
    path: '/wxa/sec/order/upload_shipping_info',
    faultTarget: 'upload_shipping_info',
    answer: tokenCall(uploadShipping),
  },
  { path: '/wxa/sec/order/get_order', faultTarget: 'get_order', answer: tokenCall(getOrder) },
  {
    path: '/wxa/sec/order/notify_confirm_receive',
    faultTarget: 'notify_confirm_receive',
    answer: tokenCall(notifyConfirmReceive),
  },
  {
    path: '/wxa/sec/order/is_trade_managed',
    faultTarget: 'is_trade_managed',
    answer: tokenCall(isTradeManaged),
  },
  {
    path: '/wxa/sec/order/update_order_detail_path',
    faultTarget: 'order_page',
    answer: tokenCall(updateOrderPage),
  },
  {
    path: '/wxa/sec/order/get_order_detail_path',
    faultTarget: 'order_page',
    answer: tokenCall(getOrderPage),
  },
  {
    path: '/wxa/sec/order/set_msg_jump_path',
    faultTarget: 'shipping_page',
    answer: tokenCall(setShippingPage),
  },
  {
    path: '/wxa/business/getuserphonenumber',
    faultTarget: 'getuserphonenumber',
    answer: tokenCall(getUserPhoneNumber),
  },
]

const POLL_MS = 100

export function createSimulator(options: SimulatorOptions): Simulator {
  const state = loadState(options.stateFile)
  const { now } = options
  const v3 =
    options.v3 === undefined ? null : openV3(options.v3, options.mchId, now, state.wechatKeys)
  const simulation: Simulation = {
    account: options,
    state,
    v3,
    now,
    save: () => {
      if (options.stateFile === undefined) return
      if (v3 !== null) state.wechatKeys = v3.keys.stored()
      saveState(options.stateFile, state)
    },
  }
  const app = new Hono()
  const faults = new Faults()
  const messageLog = new MessageLog()
  const notifier = new Notifier(simulation, faults, messageLog)
  const pusher = new Pusher(simulation, faults, messageLog)
  const ticks = new Set<Promise<number>>()
  let stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined

  function processDue(): void {
    processOverdueComplaints(simulation)
    processEndedRefunds(simulation)
  }

  function tick(): Promise<number> {
    processDue()
    pushSettlements(simulation)
    const ticking = Promise.all([notifier.tick(stopping.signal), pusher.tick(stopping.signal)])
      .then(([sent]) => sent)
      .finally(() => ticks.delete(ticking))
    ticks.add(ticking)
    return ticking
  }

  const simulator: Simulator = {
    app,
    start: () => {
      timer ??= setInterval(() => void tick(), POLL_MS).unref()
    },
    stop: async () => {
      clearInterval(timer)
      timer = undefined
      stopping.abort()
      stopping = new AbortController()
      await Promise.all(ticks)
    },
    tick,
    now,
    advance: (ms) => {
      if (options.advance === undefined)
        throw new TypeError('this simulator goes by a clock that it cannot move')
      options.advance(ms)
      processDue()
      simulation.save()
    },
    issueCode: (openid) => {
      if (openid !== undefined && !isOpenid(openid))
        throw new TypeError('an openid is 1 to 128 letters, digits, _ or -')
      const { code } = issueLogin(simulation, openid)
      simulation.save()
      return code
    },
    tapPhoneButton: (openid, phoneNumber) => {
      if (!isOpenid(openid) || !PHONE_NUMBER.test(phoneNumber))
        throw new TypeError('tapping the button needs an openid and a phone number')
      const tap = tapPhoneButton(simulation, openid, phoneNumber)
      simulation.save()
      return tap
    },
    userData: (code) => {
      const login = findLogin(state, code)
      if (login === undefined) throw new TypeError('no such code was issued')
      return userDataOf(login, options.appid, now())
    },
    pay: (args, openid, payer = 'pays') => {
      const outcome = requestPayment(simulation, args, openid, payer)
      simulation.save()
      return outcome
    },
    refundInConsole: (outTradeNo, refundFee, reported = 'reported', endsAs = 'SUCCESS') => {
      const started = refundInConsole(simulation, outTradeNo, refundFee, reported, endsAs)
      if (!started.ok) throw new TypeError(`${started.error.code} ${started.error.text}`)
      simulation.save()
      return { ...started.value, outTradeNo, refundStatus: refundStatusOf(started.value, now()) }
    },
    complain: (complaint) => {
      const filed = complain(simulation, complaint)
      simulation.save()
      return structuredClone(filed)
    },
    registerComplaintUrl: (url) => {
      state.complaintUrl = url
      simulation.save()
    },
    push: (event) => {
      queuePush(simulation, event)
      simulation.save()
    },
    setBalance: (fen) => {
      if (fen !== null && !(Number.isSafeInteger(fen) && fen >= 0))
        throw new TypeError('a balance is a whole number of fen, or null')
      state.balance = fen
      simulation.save()
    },
    revokeToken: () => {
      revokeTokens(state)
      simulation.save()
    },
    changeSettings: (change) => {
      Object.assign(state.settings, change)
      simulation.save()
      return { ...state.settings }
    },
    tamperBill: (tampering) => {
      state.billTampering = tampering
      simulation.save()
    },
    keys: () => {
      const keys = keysOf(v3).list()
      simulation.save()
      return keys
    },
    changeKeys: (change) => {
      keysOf(v3).change(change)
      return simulator.keys()
    },
    findSignature: (message) => findSignature({ account: options, v3 }, message),
    misbehave: (fault) => faults.add(fault),
    behave: (fault) => faults.end(fault),
    clearFaults: () => faults.clear(),
    hasFault: (fault) => faults.isActive(fault),
    messageLog: messageLog.messages,
    orders: () =>
      state.orders.map((order) => ({ ...order, tradeState: tradeStateOf(order, now()) })),
    refunds: () => listRefunds(state, now()),
    complaints: () => structuredClone(state.complaints),
    confirmReceipt: (outTradeNo) => {
      confirmReceipt(simulation, outTradeNo)
      simulation.save()
    },
    shipments: () => listShipments(state, now()),
    notifications: () => structuredClone(state.notifications),
    sendAgain: (again) => sendAgain(simulation, again, { stopping: stopping.signal, messageLog }),
    bill: (day) => billOf(simulation, day),
    pagesOf: (outTradeNo) => pagesOf(simulation, outTradeNo),
    pushes: () => structuredClone(state.pushes),
    writePush: (fields, fault = null) => {
      if (options.push === undefined)
        throw new TypeError('this simulator has no settings of message push')
      const { settings } = state
      const { appid, push: account } = options
      return writePush(fields, { account, appid, settings, at: now(), fault })
    },
    writeNotification: (notification) => {
      const messages = messagesOf(notification, { account: options, v3, at: now(), fault: null })
      const [written] = messages.slice(-1)
      if (written === undefined)
        throw new TypeError('this simulator has no settings of the protocol of this notification')
      return { body: written.body, headers: written.headers }
    },
  }
  for (const endpoint of [...endpoints, ...(v3 === null ? [] : v3Endpoints(v3))])
    serveEndpoint(app, endpoint, {
      simulation,
      faults,
      messageLog,
      stopping: () => stopping.signal,
    })
  app.route('/control', createControl(simulator, options.alsoListed ?? (() => [])))
  return simulator
}

function keysOf(v3: V3 | null): WechatKeys {
  if (v3 === null) throw new TypeError('this simulator has no settings of APIv3')
  return v3.keys
}

import { ConfigError, type Failure } from '../core/failure.ts'
import type { LogFields } from '../core/log-fields.ts'
import { err, ok, type Result } from '../core/result.ts'
import { send, type Certificate } from '../http-client.ts'
import type { Wechat } from '../ports.ts'
import { readBill } from './v2/bill.ts'
import { swapKeys, type PaySettings } from './v2/call.ts'
import { createRefundCalls } from './v2/refund.ts'
import { fetchAccessToken, uploadShipping } from './shipping.ts'
import { logIn, type MiniProgramSettings } from './mini-program.ts'
import { newNonce } from './nonce.ts'
import { createPay } from './v2/pay.ts'
import type { SignType } from './v2/sign.ts'

const PROBE_MS = 2_000

/** Each asked for when first needed: a missing one stops only what needs it. */
export interface WechatSettings {
  readonly pay: () => PaySettings
  readonly certificate: () => Certificate
  readonly miniProgram: () => MiniProgramSettings
}

/** The `Wechat` port over the Mini Program API and APIv2. */
export function createWechat(settings: WechatSettings, log: (fields: LogFields) => void): Wechat {
  const { miniProgram } = settings
  const isUp = async (url: string) => {
    const answer = await send({
      hop: 'wechat',
      method: 'GET',
      url,
      deadlineMs: PROBE_MS,
      maxBytes: 1_000_000,
    })
    return !('why' in answer)
  }
  const onOtherSignType = (detail: SignType) => log({ event: 'signed_otherwise', detail })
  let keyTakenLast: string | undefined
  const onOtherKey = (key: string) => {
    keyTakenLast = key
    log({
      event: 'key_changed',
      detail: key === settings.pay().key ? 'WECHAT_PAY_KEY' : 'WECHAT_PAY_KEY_OTHER',
    })
  }
  /** To be signed with the key that WeChat took last: calls, and what the phone shows. */
  const pay = (): PaySettings => {
    const configured = settings.pay()
    const inForce = keyTakenLast === configured.otherKey ? swapKeys(configured) : configured
    return { ...inForce, onOtherSignType, onOtherKey }
  }
  const payment = () => createPay(pay(), newNonce)
  const certified = (): Result<PaySettings, Failure> => {
    try {
      return ok({ ...pay(), certificate: settings.certificate() })
    } catch (cause) {
      if (cause instanceof ConfigError)
        return err({ reason: 'not_configured', variable: cause.variable, expected: cause.expected })
      throw cause
    }
  }
  const refunds = () => createRefundCalls(pay(), newNonce, certified)
  return {
    logIn: (request) => logIn(miniProgram(), request),
    placeOrder: (terms) => payment().placeOrder(terms),
    askOrder: (order) => payment().askOrder(order),
    closeOrder: (outTradeNo) => payment().closeOrder(outTradeNo),
    prepayKey: (terms) => payment().prepayKey(terms),
    signPayment: (prepayId, at) => payment().signPayment(prepayId, at),
    readNotification: (bytes) => payment().readNotification(bytes),
    checkRefundSettings: () => {
      const checked = certified()
      return checked.ok ? ok(null) : checked
    },
    sendRefund: (refund, order) => refunds().sendRefund(refund, order),
    askRefund: (outRefundNo) => refunds().askRefund(outRefundNo),
    listRefunds: (order) => refunds().listRefunds(order),
    fetchAccessToken: () => fetchAccessToken(miniProgram()),
    uploadShipping: (token, shipment, order, at) =>
      uploadShipping(miniProgram(), token, shipment, order, at),
    readBill: (day, withinMs) => readBill(pay(), newNonce, day, withinMs),
    isReachable: async () =>
      (await Promise.all([isUp(pay().hosts[0]), isUp(miniProgram().host)])).every(Boolean),
  }
}

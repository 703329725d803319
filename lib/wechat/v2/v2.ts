/** APIv2: the gateway of each account, and the notifications of all of them. */
import { ConfigError, type Failure } from '../../core/failure.ts'
import type { LogFields } from '../../core/log-fields.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Certificate } from '../../http-client/request.ts'
import type { PayGateway } from '../../ports.ts'
import { isHostUp } from '../host-probe.ts'
import { newNonce } from '../nonce.ts'
import type { Protocol } from '../protocols.ts'
import { createUnconfiguredGateway } from '../unconfigured-gateway.ts'
import { call } from './call.ts'
import { swapKeys, type CallSettings, type PaySettings } from './keys.ts'
import { acknowledge, readNotification } from './notification.ts'
import { createOrderCalls } from './pay.ts'
import { createRefundCalls } from './refund.ts'

/** Each part is read when it is needed, so a missing variable stops only the calls that need it. */
export interface V2Settings {
  readonly pay: () => PaySettings
  readonly certificate: () => Certificate
}

export function createV2(settings: V2Settings, log: (fields: LogFields) => void): Protocol {
  let lastAcceptedKey: string | undefined
  /** The settings for a call, signing with the key that WeChat accepted last. */
  const callSettings = (): CallSettings => {
    const configured = settings.pay()
    const inUse = lastAcceptedKey === configured.otherKey ? swapKeys(configured) : configured
    return {
      ...inUse,
      newNonce,
      onOtherSignType: (detail) => log({ event: 'signed_otherwise', detail }),
      onOtherKey: (key) => {
        lastAcceptedKey = key
        const detail = key === configured.key ? 'WECHAT_PAY_KEY' : 'WECHAT_PAY_KEY_OTHER'
        log({ event: 'key_changed', detail })
      },
    }
  }

  /**
   * Reads the settings again for each call, because a call can show that WeChat now accepts the
   * other key.
   */
  const createGateway = (pay: () => CallSettings): PayGateway => {
    const certified = () => withCertificate(pay(), settings.certificate)
    const orders = () => createOrderCalls(pay())
    const refunds = () => createRefundCalls(pay(), certified)
    return {
      placeOrder: (order, at) => orders().placeOrder(order, at),
      queryOrder: (order) => orders().queryOrder(order),
      findPayment: (transactionId) => orders().findPayment(transactionId),
      closeOrder: (order) => orders().closeOrder(order),
      prepayKey: async (order) => orders().prepayKey(order),
      signPayment: async (prepayId, at) => orders().signPayment(prepayId, at),
      checkRefundSettings: async () => {
        const checked = certified()
        return checked.ok ? ok(null) : checked
      },
      sendRefund: (refund) => refunds().sendRefund(refund),
      checkPayoutSettings: async () => IN_CONSOLE_ONLY,
      payOutRefund: async () => IN_CONSOLE_ONLY,
      queryRefund: (refund) => refunds().queryRefund(refund),
      listRefunds: (payment) => refunds().listRefunds(payment),
      probe: (kind) =>
        kind === 'order'
          ? call(pay(), '/pay/orderquery', new Map([['out_trade_no', newNonce()]]))
          : call(pay(), '/pay/refundquery', new Map([['out_refund_no', newNonce()]])),
      // Only cron compares bills, so no other function loads the code for it.
      async *readBill(day, withinMs) {
        const { readBill } = await import('./bill.ts')
        yield* readBill(pay(), day, withinMs)
      },
      isReachable: () => isHostUp(pay().hosts[0]),
    }
  }

  return {
    gateway({ appid, mchId, sub }) {
      if (mchId !== settings.pay().mchId || sub !== null)
        return createUnconfiguredGateway({
          reason: 'not_configured',
          variable: 'WECHAT_MCH_ID',
          fault: 'is not the merchant number that this order was placed under',
          why: 'account',
        })
      return createGateway(() => ({ ...callSettings(), appid }))
    },
    recognizes: () => true,
    notifications: {
      read: async ({ bytes }) => readNotification(callSettings(), bytes),
      acknowledge: async (_, handled) => acknowledge(handled),
    },
  }
}

const IN_CONSOLE_ONLY = err({ reason: 'payout_in_console_only' } as const)

function withCertificate(
  pay: CallSettings,
  certificate: () => Certificate,
): Result<CallSettings, Failure> {
  try {
    return ok({ ...pay, certificate: certificate() })
  } catch (cause) {
    if (cause instanceof ConfigError)
      return err({ reason: 'not_configured', variable: cause.variable, fault: cause.fault })
    throw cause
  }
}

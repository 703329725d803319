/** Chooses the adapter: for a call by the account, for an incoming message by its head. */
import type { Account } from '../core/account.ts'
import { ok, type Outcome } from '../core/result.ts'
import type {
  ComplaintGateway,
  Gateways,
  IncomingMessage,
  MessageHead,
  Notifications,
  PayGateway,
  ReadNotification,
} from '../ports.ts'
import { createUnconfiguredGateway } from './unconfigured-gateway.ts'

/** Reads and answers the messages of one form. */
export type Receiver = Omit<Notifications, 'read'> & {
  read(message: IncomingMessage): Promise<Outcome<ReadNotification>>
}

/** One version of WeChat Pay's API. */
export interface Protocol {
  gateway(account: Account): PayGateway
  /** Absent in a protocol that has no calls about complaints. */
  complaints?(): Promise<ComplaintGateway>
  /** Whether a message with this head is in this protocol's form. */
  recognizes(head: MessageHead): boolean
  readonly notifications: Receiver
}

/**
 * The protocols that are configured, by the name that an account has. Each is loaded when it is
 * first used.
 */
export type Protocols = Readonly<Record<string, () => Promise<Protocol>>>

export const createGateways =
  (protocols: Protocols): Gateways =>
  (account) => {
    const load = protocols[account.protocol]
    if (load !== undefined) return loadedWhenCalled(async () => (await load()).gateway(account))
    return createUnconfiguredGateway({
      reason: 'not_configured',
      variable: 'WECHAT_MCH_ID',
      fault: `has no settings for API ${account.protocol}, which this order was placed with`,
      why: 'account',
    })
  }

const loadedWhenCalled = (load: () => Promise<PayGateway>): PayGateway => ({
  placeOrder: async (...order) => (await load()).placeOrder(...order),
  queryOrder: async (order) => (await load()).queryOrder(order),
  findPayment: async (transactionId) => (await load()).findPayment(transactionId),
  closeOrder: async (order) => (await load()).closeOrder(order),
  prepayKey: async (order) => (await load()).prepayKey(order),
  signPayment: async (...payment) => (await load()).signPayment(...payment),
  checkRefundSettings: async () => (await load()).checkRefundSettings(),
  sendRefund: async (refund) => (await load()).sendRefund(refund),
  checkPayoutSettings: async () => (await load()).checkPayoutSettings(),
  payOutRefund: async (...payout) => (await load()).payOutRefund(...payout),
  queryRefund: async (refund) => (await load()).queryRefund(refund),
  listRefunds: async (payment) => (await load()).listRefunds(payment),
  probe: async (kind) => (await load()).probe(kind),
  readBill: async function* (...day) {
    yield* (await load()).readBill(...day)
  },
  isReachable: async () => (await load()).isReachable(),
})

/** Null without a protocol that has calls about complaints: only APIv3 has. */
export function createComplaintGateway({ v3 }: Protocols): ComplaintGateway | null {
  if (v3 === undefined) return null
  const load = async () => {
    const calls = await (await v3()).complaints?.()
    if (calls === undefined) throw new Error('APIv3 has no calls about complaints')
    return calls
  }
  return {
    list: async (...page) => (await load()).list(...page),
    find: async (id) => (await load()).find(id),
    findPhone: async (id) => (await load()).findPhone(id),
    history: async (id) => (await load()).history(id),
    act: async (...action) => (await load()).act(...action),
    findNotifyUrl: async () => (await load()).findNotifyUrl(),
    setNotifyUrl: async (url) => (await load()).setNotifyUrl(url),
    deleteNotifyUrl: async () => (await load()).deleteNotifyUrl(),
  }
}

/**
 * Whether a message is one of the Mini Program's message push. WeChat Pay sends its notifications
 * to an address without a query.
 */
const isPush = ({ query }: MessageHead): boolean =>
  query.has('timestamp') &&
  query.has('nonce') &&
  (query.has('signature') || query.has('msg_signature'))

/**
 * The last protocol reads and answers messages that none recognizes.
 *
 * @param loadPush loads the receiver of message push when it is first used
 */
export function createNotifications(
  protocols: Protocols,
  loadPush: () => Promise<Receiver>,
): Notifications {
  const find = async (head: MessageHead): Promise<readonly [name: string, Receiver]> => {
    if (isPush(head)) return ['push', await loadPush()]
    let last: readonly [name: string, Protocol] | undefined
    for (const [name, load] of Object.entries(protocols)) {
      last = [name, await load()]
      if (last[1].recognizes(head)) break
    }
    if (last === undefined) throw new Error('no protocol is configured')
    return [last[0], last[1].notifications]
  }
  return {
    async read(message) {
      const [protocol, receiver] = await find(message)
      const read = await receiver.read(message)
      return read.ok ? ok({ ...read.value, protocol }) : read
    },
    async acknowledge(head, handled) {
      const [, receiver] = await find(head)
      return receiver.acknowledge(head, handled)
    },
  }
}

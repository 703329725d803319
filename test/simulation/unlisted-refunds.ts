/**
 * APIv3 cannot list the refunds of an order. Without an APIv2 key, an order that was refunded in
 * the console waits for a person if no notification of its payment or its refund arrived.
 */
import type { World } from './world.ts'

/** The numbers of the orders that wait, as the log reports them. */
export const findWaiting = ({ account, simulator, record }: World): readonly string[] =>
  account.v2 === null
    ? simulator
        .refunds()
        .filter(({ requestSource }) => requestSource === 'VENDOR_PLATFORM')
        .map(({ outTradeNo }) => outTradeNo)
        .filter((no) => record.logs.some((line) => isUnlisted(line, no)))
    : []

const isUnlisted = (line: string, outTradeNo: string): boolean =>
  line.includes('REFUNDS_NOT_LISTED') && line.includes(`"order":"${outTradeNo}"`)

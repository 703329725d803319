import { hrefOf } from './route.ts'

/** A link to an order; a dash without one. */
export const OrderLink = ({ outTradeNo }: { readonly outTradeNo: string | null }) =>
  outTradeNo === null ? (
    <>–</>
  ) : (
    <a class="long" href={hrefOf('order', outTradeNo)}>
      <bdi>{outTradeNo}</bdi>
    </a>
  )

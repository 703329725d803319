import { useTexts } from '../base/language.tsx'
import type { Problem } from './client.ts'

const texts = {
  offline: [
    'The functions cannot be reached. Check the connection, then try again.',
    '无法连接到服务。请检查网络后重试。',
  ],
  too_slow_here: ['The answer took too long. Try again.', '响应超时，请重试。'],
  unreadable: ['The answer could not be read.', '无法读取返回的内容。'],
  not_signed_in: ['This is not the merchant key.', '商户密钥不正确。'],
  wrong_token: ['This is not the merchant key.', '商户密钥不正确。'],
  too_many_requests: [
    'Too many attempts. Wait a minute, then try again.',
    '尝试次数过多，请一分钟后再试。',
  ],
  unavailable: [
    'The database does not answer right now. Try again later.',
    '数据库暂时没有响应，请稍后再试。',
  ],
  not_configured: ['A setting of the deployment is missing.', '部署缺少一项配置。'],
  wechat_unknown: [
    'WeChat did not answer. The outcome is not known yet.',
    '微信没有响应，结果暂时未知。',
  ],
  wechat_busy: ['WeChat is busy. Try again later.', '微信系统繁忙，请稍后再试。'],
  order_not_found: ['There is no such order.', '没有这个订单。'],
  complaint_not_found: ['There is no such complaint.', '没有这个投诉。'],
  refund_too_much: ['The amount is more than what is left to refund.', '金额超过可退余额。'],
  refund_refused: ['WeChat refused the refund.', '微信拒绝了退款。'],
  refund_conflict: [
    'A refund with this number and other content exists.',
    '已有相同单号、内容不同的退款。',
  ],
  payout_refused: ['WeChat refused the payout.', '微信拒绝了该次退款操作。'],
  payout_not_possible: [
    'The refund does not wait for another account.',
    '该笔退款不需要更换收款账户。',
  ],
  payout_in_console_only: [
    'The order was placed with APIv2. Handle its refund in WeChat’s merchant platform.',
    '该订单通过 APIv2 下单，请在微信商户平台处理这笔退款。',
  ],
  shipping_complete: [
    'The last parcel of this order is already reported.',
    '该订单已全部发完，不能再添加包裹。',
  ],
  shipping_refused: ['WeChat refused the shipment.', '微信拒绝了该次发货。'],
  order_paid: ['The order is paid, so it cannot be closed.', '订单已支付，不能关闭。'],
  order_not_paid: ['The order is not paid.', '订单未支付。'],
  incident_handled: [
    'The incident is already handled, with another note.',
    '该异常已被标记为已处理，备注与此不同。',
  ],
  other: ['The call failed: {code}', '调用失败：{code}'],
  retry: ['Try again', '重试'],
} as const

const isKnown = (code: string): code is keyof typeof texts => Object.hasOwn(texts, code)

interface Props {
  readonly problem: Problem
  readonly retry?: (() => void) | undefined
}

/** Shows the problem in the chosen language, and the functions' own text below it. */
export function ProblemNotice({ problem: { code, detail }, retry }: Props) {
  const say = useTexts(texts)
  return (
    <div class="box bad" role="alert">
      <p>{isKnown(code) ? say(code) : say('other', { code })}</p>
      {detail !== '' && (
        <p class="quiet" lang="en">
          {detail}
        </p>
      )}
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          {say('retry')}
        </button>
      )}
    </div>
  )
}

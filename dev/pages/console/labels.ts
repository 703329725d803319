/** The functions' own words in the language of the page. An unknown word is shown unchanged. */
import { useLanguage } from '../base/language.tsx'

const labels: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  // Orders
  NOTPAY: ['Unpaid', '未支付'],
  SUCCESS: ['Paid', '已支付'],
  REFUND: ['Has refunds', '有退款'],
  CLOSED: ['Closed', '已关闭'],
  // Refunds
  'refund.PROCESSING': ['In progress', '处理中'],
  'refund.SUCCESS': ['Refunded', '已退款'],
  'refund.REFUNDCLOSE': ['Closed by WeChat', '已被微信关闭'],
  'refund.CHANGE': ['Needs another account', '需更换收款账户'],
  // Shipments
  PENDING: ['Waiting', '等待上报'],
  UPLOADED: ['Reported', '已上报'],
  FAILED: ['Failed', '失败'],
  express: ['Express', '快递'],
  local_delivery: ['Local delivery', '同城配送'],
  virtual: ['Virtual goods', '虚拟商品'],
  self_pickup: ['Pickup', '用户自提'],
  // Complaints
  'complaint.PENDING': ['Unanswered', '待回复'],
  'complaint.PROCESSING': ['Answered', '处理中'],
  'complaint.AWAITED': ['Payer waits for a reply', '待再次回复'],
  'complaint.PROCESSED': ['Finished', '已完结'],
  // Events
  delivered: ['Delivered', '已送达'],
  waiting: ['Waiting', '等待发送'],
  parked: ['Given up', '已放弃'],
  // The timeline
  placed: ['Order placed', '下单'],
  closed: ['Order closed', '订单关闭'],
  paid: ['Paid at WeChat', '在微信支付成功'],
  payment_recorded: ['Payment recorded here', '收款入账'],
  refund_requested: ['Refund recorded here', '退款登记'],
  refund_accepted: ['Refund accepted by WeChat', '微信受理退款'],
  refund_changed: ['Refund changed', '退款状态变更'],
  refund_parked: ['Refund no longer retried', '退款停止重试'],
  shipment_requested: ['Shipment requested', '申请发货'],
  shipment_reported: ['Shipment reported to WeChat', '已向微信上报发货'],
  shipped: ['Shipped', '已发货'],
  overdue: ['Shipment overdue', '发货超时'],
  received: ['Receipt confirmed', '确认收货'],
  settled: ['Money released', '资金已结算'],
  complaint: ['Complaint', '投诉'],
  incident: ['Incident', '异常'],
  incident_handled: ['Incident handled', '异常已处理'],
  event: ['Event stored', '生成事件'],
  event_attempt: ['Event sent', '发送事件'],
  // Sources of a confirmation
  notify: ['notification', '微信通知'],
  query: ['query', '查询'],
  close: ['close', '关单'],
  prepay: ['prepay', '预下单'],
  cron: ['cron', '定时任务'],
  bill: ['bill', '对账单'],
  // Facts
  'fact.totalFee': ['Amount', '金额'],
  'fact.feeType': ['Currency', '币种'],
  'fact.cashFee': ['Paid in cash', '现金支付'],
  'fact.bankType': ['Bank', '银行'],
  'fact.openid': ['Payer', '付款人'],
  'fact.transactionId': ['Payment number', '支付单号'],
  'fact.outRefundNo': ['Refund number', '退款单号'],
  'fact.refundId': ['WeChat’s refund number', '微信退款单号'],
  'fact.refundFee': ['Refund', '退款金额'],
  'fact.refundDesc': ['Reason', '退款原因'],
  'fact.refundStatus': ['State', '状态'],
  'fact.errCode': ['Error', '错误码'],
  'fact.errText': ['WeChat says', '微信说明'],
  'fact.source': ['Source', '来源'],
  'fact.kind': ['Kind', '类型'],
  'fact.note': ['Note', '备注'],
  'fact.type': ['Type', '类型'],
  'fact.code': ['Outcome', '结果'],
  'fact.parcels': ['Parcels', '包裹数'],
  'fact.logisticsType': ['Delivery', '配送方式'],
  'fact.state': ['State', '状态'],
  'fact.complaintId': ['Complaint', '投诉单号'],
  'fact.closedAtWechat': ['Closed at WeChat', '微信侧已关闭'],
  'fact.isAllDelivered': ['All parcels', '全部发完'],
  'fact.shippingState': ['State', '状态'],
}

/** Returns a function that gives the label of a word. The same word may differ between groups. */
export function useLabel(): (word: string, group?: string) => string {
  const at = useLanguage() === 'en' ? 0 : 1
  return (word, group = '') => {
    const name = group === '' ? word : `${group}.${word}`
    const found = Object.hasOwn(labels, name) ? labels[name] : labels[word]
    return found?.[at] ?? word
  }
}

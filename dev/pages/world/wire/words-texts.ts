/** The titles of messages: how the functions use the stores, and what WeChat sends. */
export const titleTexts = {
  reads: ['reads {what}', '读取{what}'],
  writes: ['writes {what}', '写入{what}'],
  lock: ['the lock of {what}', '{what}的锁'],
  and: [', ', '、'],
  'notification of a payment': ['notification of a payment', '支付通知'],
  'notification of a refund': ['notification of a refund', '退款通知'],
  'message push': ['message push', '消息推送'],
  'a complaint': ['a complaint', '投诉'],
  'a refund in the merchant console': ['a refund in the merchant console', '在商户平台退款'],
} as const

/** The tables of the database. */
export const tableTexts = {
  orders: ['orders', '订单'],
  payments: ['payments', '付款'],
  refunds: ['refunds', '退款'],
  events: ['events', '事件'],
  shipments: ['shipments', '发货'],
  products: ['products', '商品'],
  users: ['payers', '用户'],
  complaints: ['complaints', '投诉'],
  bills: ['bills', '账单'],
  bill_differences: ['differences of bills', '账单差异'],
  incidents: ['incidents', '异常'],
  trade_management: ['the duty to ship', '发货管理'],
} as const

/** The keys in Redis, by the word after `wxpay:`. */
export const redisTexts = {
  prepay: ['the prepay_id', 'prepay_id'],
  placing: ['the lock of an order', '下单的锁'],
  notice: ['the lock of a notification', '通知的锁'],
  limit: ['the count of calls', '调用次数'],
  health: ['the health of the services', '健康状态'],
  push: ['the handled push', '已处理的推送'],
  echo: ['the test notification', '测试通知'],
  certificates: ['the certificates of WeChat', '微信证书'],
  'access-token': ['the access token', 'access_token'],
} as const

/** The texts of the shop, and of WeChat's screens over it. */
export const phoneTexts = {
  device: ['Device of a payer', '顾客的手机'],
  shopName: ['Corner café', '街角咖啡'],
  shop: ['Shop', '商品'],
  orders: ['Orders', '订单'],
  order: ['Order', '订单详情'],
  back: ['Back', '返回'],
  buy: ['Buy', '购买'],
  buyProduct: ['Buy {name}', '购买{name}'],
  waiting: ['Please wait …', '请稍候……'],
  loading: ['Loading …', '正在加载……'],
  retry: ['Try again', '重试'],
  reload: ['Refresh', '刷新'],
  more: ['Show more', '查看更多'],
  nothingOnSale: ['Nothing is on sale yet.', '还没有商品上架。'],
  nothingOnSaleHint: [
    'The first command that npm start prints adds a latte to the catalogue.',
    'npm start 打印的第一条命令会上架一杯拿铁。',
  ],
  noOrders: ['You have no orders yet.', '还没有订单。'],
  orderNumber: ['Order number', '订单号'],
  placedAt: ['Placed', '下单时间'],
  paidAt: ['Paid', '付款时间'],
  total: ['Total', '合计'],
  refunds: ['Refunds', '退款'],
  pay: ['Pay', '去支付'],
  confirmReceipt: ['Confirm receipt', '确认收货'],
  success: ['Payment successful', '支付成功'],
  successFrom: ['The server has confirmed the payment.', '服务器已确认收款。'],
  showOrder: ['Show the order', '查看订单'],
  backToShop: ['Back to the shop', '继续购物'],
  unknown: ['Confirming the payment', '正在确认支付结果'],
  unknownHint: [
    'WeChat reported a payment that the server does not know yet. Do not pay again.',
    '微信显示已付款，但服务器还没有查到。请不要重复付款。',
  ],
  askAgain: ['Ask the server again', '重新查询'],
  cancelled: [
    'Payment cancelled. The order is kept, and you can pay it later.',
    '已取消支付，订单已保留，可以稍后再付。',
  ],
  closed: ['The order was closed. Buy again to place a new one.', '订单已关闭，请重新下单。'],
  stillUnpaid: ['The server has no record of a payment.', '服务器没有查到付款。'],
  notConfirmed: ['The receipt is not confirmed.', '尚未确认收货。'],
  recovered: ['An earlier payment is now confirmed: {number}', '上次未确认的支付已到账：{number}'],
  realWechat: [
    'WeChat is not simulated here, so a payment needs a real device.',
    '这里连接的是真实的微信，付款需要用真机。',
  ],
  // The screens of WeChat.
  wechatPay: ['WeChat Pay', '微信支付'],
  payTo: ['Pay {merchant}', '付款给{merchant}'],
  method: ['Payment method', '支付方式'],
  balance: ['Balance', '零钱'],
  payNow: ['Pay', '支付'],
  cancel: ['Cancel', '取消'],
  noMoney: ['Nothing is charged in the local world.', '本地环境不会真的扣款。'],
  receiptTitle: ['Did you receive the goods?', '确认已收到货？'],
  receiptHint: [
    'WeChat then releases the money to the merchant.',
    '确认后，微信会把货款结算给商家。',
  ],
  received: ['Received', '确认收货'],
  notYet: ['Not yet', '还没有'],
} as const

export const stateTexts = {
  NOTPAY: ['To pay', '待支付'],
  SUCCESS: ['Paid', '已支付'],
  REFUND: ['Refunded', '已退款'],
  CLOSED: ['Closed', '已关闭'],
} as const

export const refundTexts = {
  PROCESSING: ['In progress', '退款中'],
  SUCCESS: ['Returned', '已退回'],
  REFUNDCLOSE: ['Failed. Ask the shop.', '未能退款，请联系商家'],
  CHANGE: ['Failed. Ask the shop.', '退款异常，请联系商家'],
} as const

export const receiptTexts = {
  toShip: ['To be shipped', '待发货'],
  shipped: ['Shipped', '已发货'],
  received: ['Received', '已收货'],
} as const

/** The problems of `miniprogram/pay.ts`, by their codes. */
export const problemTexts = {
  fault: ['The cause is a switch that is on: {fault}', '原因是有开关打开：{fault}'],
  network: ['No answer. Check the network, then try again.', '没有响应，请检查网络后再试。'],
  busy: ['The service is busy. Please try again soon.', '服务繁忙，请稍后再试。'],
  tooMany: ['Too many requests. Please wait a moment.', '操作太频繁，请稍后再试。'],
  tooManyOrders: ['Too many unpaid orders. Pay one first.', '未付款的订单太多，请先付款。'],
  cashier: ['The payment failed: {detail}', '支付没有成功：{detail}'],
  notShipped: ['The order is not shipped yet.', '订单还没有发货。'],
  gone: ['The product is no longer on sale.', '商品已下架。'],
  other: ['Something went wrong ({code} {requestId}).', '出错了（{code} {requestId}）。'],
} as const

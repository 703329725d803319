/** The texts around the shop and the wire. */
export const worldTexts = {
  title: ['Local world', '本地世界'],
  subtitle: [
    'Buy something in the shop, and see every message that it causes. No money moves.',
    '在手机上买点东西，就能看到由此产生的每一条消息。不会真的扣款。',
  ],
  console: ['Merchant console', '商户控制台'],
  deployed: ['Deployed start page', '部署后的首页'],
  api: ['API reference', '接口说明'],
  views: ['Views', '视图'],
  phone: ['Phone', '手机'],
  wire: ['Wire', '消息'],
  switches: ['Switches', '开关'],
} as const

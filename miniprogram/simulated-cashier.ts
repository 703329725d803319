/**
 * A cashier for the local world, because WeChat's developer tools cannot pay an order of the
 * simulator. It also stands in for the component that confirms the receipt.
 *
 * It asks whether the payer pays or cancels, and the simulator carries it out. The simulator checks
 * the arguments of the cashier as strictly as WeChat.
 */
import type { Platform } from './pay'

type Payment = Parameters<Platform['requestPayment']>[0]
type View = Parameters<NonNullable<Platform['openBusinessView']>>[0]

const hasMessage = (answer: unknown): answer is { errMsg: string } =>
  typeof answer === 'object' && answer !== null && 'errMsg' in answer

export function withSimulatedCashier(platform: Platform, baseUrl: string): Platform {
  const pay = ({ success, fail, ...payment }: Payment, payer: 'pays' | 'cancels') =>
    platform.request({
      url: baseUrl.replace(/\/api$/, '/wechat/control/pay'),
      method: 'POST',
      header: { 'content-type': 'application/json' },
      data: JSON.stringify({ ...payment, payer }),
      timeout: 5_000,
      success: ({ data }) => {
        const { errMsg } = hasMessage(data) ? data : { errMsg: 'requestPayment:fail' }
        if (errMsg === 'requestPayment:ok') success({ errMsg })
        else fail({ errMsg })
      },
      fail,
    })

  const confirmReceipt = (
    { extraData, success, fail }: View,
    { confirm }: { readonly confirm: boolean },
  ) =>
    confirm
      ? platform.request({
          url: baseUrl.replace(/\/api$/, '/wechat/control/receipt'),
          method: 'POST',
          header: { 'content-type': 'application/json' },
          data: JSON.stringify(extraData),
          timeout: 5_000,
          success,
          fail,
        })
      : success(null)

  return {
    openBusinessView: (view) =>
      wx.showModal({
        title: '模拟确认收货',
        content: '确认已收到货？',
        success: (answer) => void confirmReceipt(view, answer),
        fail: view.fail,
      }),
    request: (options) => platform.request(options),
    login: (options) => platform.login(options),
    getStorageSync: (key) => platform.getStorageSync(key),
    setStorageSync: (key, data) => platform.setStorageSync(key, data),
    requestPayment: (payment) =>
      wx.showModal({
        title: '模拟收银台',
        content: '本地环境不会真的扣款',
        confirmText: '付款',
        cancelText: '取消',
        success: ({ confirm }) => void pay(payment, confirm ? 'pays' : 'cancels'),
        fail: payment.fail,
      }),
  }
}

import * as v from 'valibot'

/** The arguments of `wx.requestPayment`, as the functions answer them. */
export const paymentArguments = v.object({
  appId: v.string(),
  timeStamp: v.string(),
  nonceStr: v.string(),
  package: v.string(),
  signType: v.string(),
  paySign: v.string(),
})

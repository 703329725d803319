/**
 * The part of `wx` that miniprogram/pay.ts needs, in a browser: requests by fetch, login codes and
 * payments from the simulated WeChat, and the screens of WeChat drawn by this page.
 */
import * as v from 'valibot'
import type { Platform } from '../../../../miniprogram/pay.ts'
import { findPrepaidOrder, issueLoginCode, confirmReceipt, payAtCashier } from './simulator.ts'
import type { PrepaidOrder } from './simulator.ts'

/** The screens that WeChat shows over a Mini Program. Each resolves with the payer's decision. */
export interface WechatScreens {
  openCashier(order: PrepaidOrder): Promise<'pays' | 'cancels'>
  openReceipt(): Promise<'confirms' | 'leaves'>
}

type AppShowListener = Parameters<NonNullable<Platform['onAppShow']>>[0]

/** The app that the component for the receipt belongs to: WeChat reports its outcome with it. */
const RECEIPT_APPID = 'wx1183b055aeec94d1'
const receiptSchema = v.object({ transaction_id: v.string() })

export function createPlatform(openid: string, screens: WechatScreens): Platform {
  const listeners = new Set<AppShowListener>()
  return {
    request: async ({ url, method, header, data, timeout, success, fail }) => {
      try {
        const answer = await fetch(url, {
          method,
          headers: header,
          signal: AbortSignal.timeout(timeout),
          ...(data === undefined ? {} : { body: data }),
        })
        const text = await answer.text()
        success({
          statusCode: answer.status,
          data: parseIfJson(text),
          header: Object.fromEntries(answer.headers),
        })
      } catch (error) {
        fail({ errMsg: `request:fail ${describe(error)}` })
      }
    },
    login: async ({ success, fail }) => {
      const code = await issueLoginCode(openid)
      if (code === null) fail({ errMsg: 'login:fail' })
      else success({ code })
    },
    requestPayment: async ({ success, fail, ...payment }) => {
      const order = await findPrepaidOrder(payment.package)
      if (order === null) return fail({ errMsg: 'requestPayment:fail' })
      const payer = await screens.openCashier(order)
      const errMsg = await payAtCashier({ ...payment, openid, payer })
      return errMsg === 'requestPayment:ok' ? success({ errMsg }) : fail({ errMsg })
    },
    openBusinessView: async ({ extraData, success }) => {
      success({})
      const { transaction_id: transactionId } = v.parse(receiptSchema, extraData)
      const isConfirmed =
        (await screens.openReceipt()) === 'confirms' && (await confirmReceipt(transactionId))
      const referrerInfo = {
        appId: RECEIPT_APPID,
        extraData: { status: isConfirmed ? 'success' : 'cancel' },
      }
      for (const listener of listeners) listener({ referrerInfo })
    },
    onAppShow: (listener) => listeners.add(listener),
    offAppShow: (listener) => listeners.delete(listener),
    getStorageSync: (key) => localStorage.getItem(key) ?? '',
    setStorageSync: (key, data) => localStorage.setItem(key, data),
  }
}

function parseIfJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const describe = (error: unknown): string => (error instanceof Error ? error.name : String(error))

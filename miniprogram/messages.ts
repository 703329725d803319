/** The messages that a payer sees. */
import { inYuan } from './money'
import type { Outcome, Problem } from './pay'

export function describeProblem({ code, detail, requestId, retryAfterSeconds }: Problem): string {
  switch (code) {
    case 'network':
      return '网络不通，请检查网络后再试'
    case 'unavailable':
    case 'wechat_busy':
    case 'wechat_unknown':
      return '服务繁忙，请稍后再试'
    case 'too_many_requests':
      return `操作太频繁，请 ${retryAfterSeconds ?? 60} 秒后再试`
    case 'too_many_open_orders':
      return '未付款的订单太多，请先付款或取消其中一个'
    case 'phone_quota_used_up':
      return '暂时无法获取手机号，请联系客服'
    case 'phone_refused':
      return '没有得到手机号，需要时请再点一次'
    case 'phone_code_invalid':
      return '手机号验证已失效，请再点一次'
    case 'order_not_found':
      return '没有找到这个订单'
    case 'cashier_failed':
      return detail.replace('requestPayment:fail', '').trim() || '支付没有成功'
    case 'not_shipped':
      return '订单还没有发货，或已经确认收货'
    case 'component_failed':
      return '无法打开确认收货，请升级微信后再试'
    case 'invalid_request':
      return '商品已下架或数量有误，请刷新后再试'
    default:
      return `出错了，请联系客服（${code}${requestId === null ? '' : ` ${requestId}`}）`
  }
}

export function showProblem(problem: Problem): void {
  void wx.showModal({ title: '没有成功', content: describeProblem(problem), showCancel: false })
}

export function showOutcome(outcome: Outcome): void {
  switch (outcome.state) {
    case 'paid':
      void wx.showModal({
        title: '支付成功',
        content: `${outcome.order.body} ${inYuan(outcome.order.totalFee)}`,
        showCancel: false,
      })
      return
    case 'cancelled':
      void wx.showToast({ title: '已取消支付', icon: 'none' })
      return
    case 'closed':
      void wx.showToast({ title: '订单已关闭，请重新下单', icon: 'none' })
      return
    case 'failed':
      showProblem(outcome.problem)
      return
    case 'unknown':
      void wx.showModal({
        title: '正在确认支付结果',
        content: '请稍后在“订单”里查看，不必再付一次',
        showCancel: false,
      })
  }
}

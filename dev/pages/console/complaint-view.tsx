import { useState } from 'preact/hooks'
import { useLanguage, useTexts } from '../base/language.tsx'
import { readDetailedComplaint, type DetailedComplaint } from './answers.ts'
import { ComplaintActions } from './complaint-actions.tsx'
import { deadlineOf, shownState } from './complaints-view.tsx'
import { toYuan } from './money.ts'
import { OrderLink } from './order-link.tsx'
import { Raw } from './raw.tsx'
import { useSession } from './session.tsx'
import { Show } from './show.tsx'
import { StateMark } from './state-mark.tsx'
import { toBeijing, toRelative } from './time.ts'
import { useAnswer } from './use-answer.ts'

const texts = {
  title: ['Complaint {complaintId}', '投诉 {complaintId}'],
  refresh: ['Refresh', '刷新'],
  facts: ['Facts', '投诉信息'],
  state: ['State', '状态'],
  deadline: ['Deadline', '截止时间'],
  order: ['Order', '订单号'],
  amount: ['Amount', '订单金额'],
  asks: ['Refund requested', '申请退款'],
  times: ['Complaints about this payment', '该笔支付的投诉次数'],
  phone: ['Phone number', '联系电话'],
  showPhone: ['Show the phone number', '显示联系电话'],
  noPhone: ['none given', '未填写'],
  text: ['The payer writes', '付款人说明'],
  history: ['History at WeChat', '微信侧协商记录'],
  images: [
    '{count} {count|picture|pictures}, in WeChat’s merchant platform',
    '{count} 张图片，请在微信商户平台查看',
  ],
} as const

/** One complaint. It is read from WeChat, so its history is current. */
export function ComplaintView({ id }: { readonly id: string }) {
  const say = useTexts(texts)
  const { client } = useSession()
  const [withPhone, setWithPhone] = useState(false)
  const [loaded, reload] = useAnswer(`${id} ${String(withPhone)}`, () =>
    client.get(
      '/api/console/complaints',
      { id, phone: withPhone ? '1' : null },
      readDetailedComplaint,
    ),
  )
  return (
    <>
      <div class="head">
        <h1>{say('title', { complaintId: id })}</h1>
        <button type="button" onClick={reload}>
          {say('refresh')}
        </button>
      </div>
      <Show loaded={loaded} retry={reload}>
        {(complaint) => (
          <div class="order">
            <div>
              <Facts complaint={complaint} showPhone={() => setWithPhone(true)} />
              <ComplaintActions complaint={complaint} reload={reload} />
            </div>
            <ComplaintHistory complaint={complaint} />
          </div>
        )}
      </Show>
    </>
  )
}

interface FactsProps {
  readonly complaint: DetailedComplaint
  readonly showPhone: () => void
}

function Facts({ complaint, showPhone }: FactsProps) {
  const say = useTexts(texts)
  const language = useLanguage()
  const { client } = useSession()
  const deadline = deadlineOf(complaint)
  return (
    <section class="card" aria-labelledby="facts">
      <h2 id="facts">{say('facts')}</h2>
      <dl class="facts">
        <div>
          <dt>{say('state')}</dt>
          <dd>
            <StateMark state={shownState(complaint)} group="complaint" />
          </dd>
        </div>
        {deadline !== null && (
          <div>
            <dt>{say('deadline')}</dt>
            <dd>
              {toBeijing(deadline)} ({toRelative(deadline, client.now(), language)})
            </dd>
          </div>
        )}
        <div>
          <dt>{say('order')}</dt>
          <dd>
            <OrderLink outTradeNo={complaint.outTradeNo} />
          </dd>
        </div>
        {complaint.totalFee !== undefined && (
          <div>
            <dt>{say('amount')}</dt>
            <dd>{toYuan(complaint.totalFee)}</dd>
          </div>
        )}
        {complaint.applyRefundFee !== undefined && (
          <div>
            <dt>{say('asks')}</dt>
            <dd>{toYuan(complaint.applyRefundFee)}</dd>
          </div>
        )}
        <div>
          <dt>{say('times')}</dt>
          <dd>{complaint.times}</dd>
        </div>
        <div>
          <dt>{say('phone')}</dt>
          <dd>
            {complaint.payerPhone === undefined ? (
              <button type="button" onClick={showPhone}>
                {say('showPhone')}
              </button>
            ) : (
              <bdi>{complaint.payerPhone ?? say('noPhone')}</bdi>
            )}
          </dd>
        </div>
      </dl>
      <h3>{say('text')}</h3>
      <p class="quote">
        <bdi>{complaint.detail}</bdi>
      </p>
      <Raw value={complaint} />
    </section>
  )
}

function ComplaintHistory({ complaint }: { readonly complaint: DetailedComplaint }) {
  const say = useTexts(texts)
  return (
    <section class="card" aria-labelledby="history">
      <h2 id="history">{say('history')}</h2>
      <ol class="timeline">
        {complaint.history.map(({ at, operator, type, text, images }, index) => (
          <li key={index}>
            <p>
              <strong>
                <bdi>{operator}</bdi>
              </strong>{' '}
              <time dateTime={at}>{toBeijing(at)}</time>
            </p>
            <p class="quiet">{type}</p>
            {text !== undefined && (
              <p class="quote">
                <bdi>{text}</bdi>
              </p>
            )}
            {images !== undefined && <p class="quiet">{say('images', { count: images.length })}</p>}
          </li>
        ))}
      </ol>
    </section>
  )
}

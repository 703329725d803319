import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readNothing } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import { Choice } from './choice.tsx'
import { useLabel } from './labels.ts'
import { useSession } from './session.tsx'

const KINDS = ['express', 'local_delivery', 'self_pickup', 'virtual'] as const

const texts = {
  kind: ['Delivery', '配送方式'],
  what: ['Description of the goods', '发货内容'],
  tracking: ['Tracking number', '快递单号'],
  company: ['WeChat’s code for the carrier, such as SF', '快递公司编码（微信的编码，如 SF）'],
  contact: [
    'Phone number of the receiver, masked, such as 189****1234 (SF requires it)',
    '收件人手机号（打码，如 189****1234；顺丰必填）',
  ],
  all: ['This is the last parcel', '已全部发完'],
  ship: ['Ship', '发货'],
  replaces: [
    'WeChat has a shipment of this order. If its last parcel is already reported, this request replaces the whole shipment. WeChat allows this once.',
    '微信已有该订单的发货信息。若已全部发完，本次提交会整体替换原信息，微信只允许替换一次。',
  ],
} as const

interface Props {
  readonly outTradeNo: string
  /** The description of the order, which the field shows at first. */
  readonly body: string
  /** Whether WeChat has a shipment of the order. */
  readonly isReported: boolean
  readonly onDone: () => void
}

/** Adds one parcel, or reports a delivery without a parcel. */
export function ShipForm({ outTradeNo, body, isReported, onDone }: Props) {
  const say = useTexts(texts)
  const label = useLabel()
  const { client } = useSession()
  const [kind, setKind] = useState<string>('express')
  const [itemDesc, setItemDesc] = useState(body)
  const [trackingNo, setTrackingNo] = useState('')
  const [expressCompany, setExpressCompany] = useState('')
  const [receiverContact, setContact] = useState('')
  const [isAll, setAll] = useState(true)
  const isExpress = kind === 'express'
  const isNumbered = trackingNo.trim() !== '' && expressCompany.trim() !== ''
  return (
    <ActionForm
      tone="primary"
      submit={say('ship')}
      isReady={itemDesc.trim() !== '' && (!isExpress || isNumbered)}
      onDone={onDone}
      run={() =>
        client.send(
          'POST',
          '/api/shipping',
          {
            outTradeNo,
            logisticsType: kind,
            items: [
              {
                itemDesc: itemDesc.trim(),
                ...(isExpress
                  ? {
                      trackingNo: trackingNo.trim(),
                      expressCompany: expressCompany.trim(),
                      ...(receiverContact.trim() === ''
                        ? {}
                        : { contact: { receiverContact: receiverContact.trim() } }),
                    }
                  : {}),
              },
            ],
            ...(isExpress ? { isAllDelivered: isAll } : {}),
          },
          readNothing,
        )
      }
    >
      {isReported && <p class="box warn">{say('replaces')}</p>}
      <Choice
        label={say('kind')}
        value={kind}
        onChoose={setKind}
        options={KINDS.map((one) => [one, label(one)])}
      />
      <label>
        {say('what')}
        <input
          maxLength={120}
          value={itemDesc}
          onInput={(event) => setItemDesc(event.currentTarget.value)}
        />
      </label>
      {isExpress && (
        <>
          <label>
            {say('tracking')}
            <input
              maxLength={128}
              value={trackingNo}
              onInput={(event) => setTrackingNo(event.currentTarget.value)}
            />
          </label>
          <label>
            {say('company')}
            <input
              maxLength={128}
              value={expressCompany}
              onInput={(event) => setExpressCompany(event.currentTarget.value)}
            />
          </label>
          <label>
            {say('contact')}
            <input
              maxLength={32}
              value={receiverContact}
              onInput={(event) => setContact(event.currentTarget.value)}
            />
          </label>
          <label class="switch">
            <input
              type="checkbox"
              checked={isAll}
              onChange={(event) => setAll(event.currentTarget.checked)}
            />
            {say('all')}
          </label>
        </>
      )}
    </ActionForm>
  )
}

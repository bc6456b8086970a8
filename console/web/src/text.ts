// What the page says, by language. A new language is one more table.
const en = {
  title: 'Call us',
  you: 'You',
  them: 'Us',
  captions: 'What is said',
  keypad: 'Key pad',
  mute: 'Mute',
  person: 'A person, please',
  call: 'Call',
  hangUp: 'Hang up',
  hint: 'Your browser asks for the microphone. Keys: M mutes, K opens the key pad, 0 to 9, * and # are keys of the phone.',
  ready: 'Ready to call',
  asking: 'Allow the microphone, please',
  connecting: 'Connecting…',
  talking: 'You are connected',
  muted: 'You are muted: nobody hears you',
  waiting: 'A person is being sought for you',
  joined: 'You are talking with a person',
  again: 'The network has changed: connecting again…',
  ended: 'The call has ended',
  caller: 'You',
  bot: 'Us',
  seat: 'Us',
  noMicrophone: 'There is no microphone, or it may not be used. Allow it in your browser and call again.',
  busy: 'All lines are busy. Please call again in a moment.',
  refused: 'Calls from here are not allowed. Please load the page of the web site again.',
  failed: 'The call could not be connected. Please call again.',
  insecure: 'Browsers give the microphone to pages over HTTPS only. Please use the https:// address.',
}

export type Text = keyof typeof en

const zh: Record<Text, string> = {
  title: '联系我们',
  you: '您',
  them: '我们',
  captions: '通话内容',
  keypad: '拨号键盘',
  mute: '静音',
  person: '转人工服务',
  call: '呼叫',
  hangUp: '挂断',
  hint: '浏览器会请求使用麦克风。快捷键：M 静音，K 打开键盘，0 至 9、* 和 # 为电话按键。',
  ready: '可以呼叫',
  asking: '请允许使用麦克风',
  connecting: '正在接通…',
  talking: '已接通',
  muted: '已静音：对方听不到您',
  waiting: '正在为您转接人工',
  joined: '您正在与人工客服通话',
  again: '网络已变化，正在重新连接…',
  ended: '通话已结束',
  caller: '您',
  bot: '我们',
  seat: '我们',
  noMicrophone: '没有麦克风或未获授权。请在浏览器中允许使用麦克风，然后重新呼叫。',
  busy: '线路繁忙，请稍后再拨。',
  refused: '此处不允许呼叫。请重新打开网站页面。',
  failed: '无法接通，请重新呼叫。',
  insecure: '浏览器只允许 HTTPS 页面使用麦克风，请使用 https:// 地址。',
}

const chinese = navigator.language.toLowerCase().startsWith('zh')
const table: Record<Text, string> = chinese ? zh : en

export const say = (t: Text): string => table[t]

// translate fills in what the page has in data-text and data-label.
export function translate(root: Document): void {
  root.documentElement.lang = chinese ? 'zh' : 'en'
  root.title = say('title')
  for (const e of root.querySelectorAll<HTMLElement>('[data-text]')) e.textContent = say(e.dataset['text'] as Text)
  for (const e of root.querySelectorAll<HTMLElement>('[data-label]')) e.setAttribute('aria-label', say(e.dataset['label'] as Text))
}

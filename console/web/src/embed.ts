// What a web site loads to show the call page: a button, and the page in a frame when it is clicked.
//   <script src="https://ivr.example.com/call/embed.js" data-label="Call us" data-token="..."></script>
{
  const script = document.currentScript as HTMLScriptElement
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = script.dataset['label'] ?? 'Call us'
  button.addEventListener('click', () => {
    const frame = document.createElement('iframe')
    const token = script.dataset['token']
    frame.src = new URL('./', script.src).href + (token ? '#token=' + encodeURIComponent(token) : '')
    frame.title = button.textContent ?? ''
    frame.allow = 'microphone; autoplay'
    frame.style.cssText = 'border:0;width:22rem;height:34rem;max-width:100%;border-radius:1rem'
    button.replaceWith(frame)
    frame.focus()
  })
  script.after(button)
}

'use strict';
// The chat page: what came over the websocket is shown, what a person does is sent back.

const $ = (id) => document.getElementById(id);
const chatId = Number((location.pathname.match(/^\/chat\/(\d+)/) || [])[1] || 0);
const shown = new Map();      // message_id → {data, node}
const waiting = new Map();    // message_id → pressed button
let socket, retry = 0, commands = [], chats = new Map(), busyTimer, toastTimer, markup = null;

const ACTIONS = {
  typing: 'печатает', upload_photo: 'отправляет фото', upload_video: 'отправляет видео',
  record_video: 'снимает видео', upload_document: 'отправляет файл',
      choose_sticker: 'выбирает стикер',
};

const act = {
  tell(what) {
    if (socket && socket.readyState === 1) socket.send(JSON.stringify(what));
    else toast('Нет связи с рынком');
  },
  say(text) { if (text.trim()) act.tell({ do: 'say', text }); },
  copy(text) {
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => toast('Скопировано'));
  },
};

// --- messages

function ticks() {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('viewBox', '0 0 17 11');
  for (const [d, name] of [['M1 6l3.2 3.4L10.6 2', 'one'], ['M6.6 8l1.6 1.6L15 2', 'second']]) {
    const path = document.createElementNS(ns, 'path');
    path.setAttribute('d', d);
    path.setAttribute('class', name);
    svg.append(path);
  }
  return svg;
}

function media(message) {
  if (message.photo) {
    const photo = message.photo;
    const image = element('img', { src: photo.url, alt: message.caption || 'Фото',
        width: photo.width, height: photo.height });
    image.onload = keepDown;
    return element('button', { type: 'button', className: 'photo', onclick: () => view(photo.url) },
        image);
  }
  if (message.video) {
    return element('div', { className: 'video' },
      element('video', { src: message.video.url, controls: true, preload: 'metadata',
          playsInline: true }));
  }
  if (!message.document) return null;
  const file = message.document;
  const icon = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  icon.setAttribute('viewBox', '0 0 24 24');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', 'M12 4v12m-5-5l5 5 5-5M5 20h14');
  icon.append(path);
  return element('a', { className: 'document', href: file.url + '?download=1',
      download: file.file_name || 'file' },
    element('i', {}, icon), element('span', {}, element('b', {}, file.file_name || 'Файл'),
        element('small', {}, size(file.size))));
}

function button(message, item) {
  if (item.url) {
    return element('a', { className: 'button ' + (item.style || ''), href: safeUrl(item.url),
        target: '_blank',
      rel: 'noopener noreferrer', 'data-kind': 'url' }, item.text);
  }
  const node = element('button', { type: 'button', className: 'button ' + (item.style || '') },
      item.text);
  if (item.copy !== undefined) {
    node.dataset.kind = 'copy';
    node.onclick = () => act.copy(item.copy);
    return node;
  }
  node.dataset.data = item.data;
  node.onclick = () => {
    if (node.classList.contains('waiting')) return;
    spin(message.message_id, node);
    act.tell({ do: 'press', message_id: message.message_id, data: item.data });
  };
  return node;
}

function spin(id, node) {
  calm(id);
  node.classList.add('waiting');
  waiting.set(id, { data: node.dataset.data, timer: setTimeout(() => calm(id), 15000) });
}

function calm(id) {
  const wait = waiting.get(id);
  if (!wait) return;
  clearTimeout(wait.timer);
  waiting.delete(id);
  const node = shown.get(id);
  if (node) node.node.querySelectorAll('.waiting').forEach((b) => b.classList.remove('waiting'));
}

function quote(message) {
  const reply = message.reply_to && shown.get(message.reply_to);
  if (!reply) return null;
  return element('span', { className: 'quote' }, reply.data.text || reply.data.caption || 'Фото');
}

function build(message) {
  const mine = message.from === 'person';
  const body = message.text !== undefined ? message.text : message.caption;
  const shownMedia = media(message);
  const meta = element('span', { className: 'meta' }, message.edit_date ? 'изменено ' : null,
      clock(message.date), mine && ticks());
  const bubble = element('div', { className: 'bubble' }, quote(message), shownMedia,
    body ? element('div', { className: 'text' }, formatted(body, message.entities, act)) : null,
        meta);
  bubble.style.setProperty('--meta', (mine ? 64 : 44) + (message.edit_date ? 64 : 0) + 'px');
  const rows = (message.buttons || []).map((row) => element('div', { className: 'row' },
      ...row.map((item) => button(message, item))));
  const node = element('div', { className: 'message' + (mine ? ' mine' : '') }, bubble,
    rows.length ? element('div', { className: 'rows' }, ...rows) : null);
  node.classList.toggle('keyed', rows.length > 0);
  node.classList.toggle('read', !!message.read);
  node.classList.toggle('withphoto', !!(message.photo || message.video));
  node.classList.toggle('bare', !!shownMedia && !message.document && !body);
  node.dataset.messageId = message.message_id;
  const wait = waiting.get(message.message_id);
  if (wait) {
    [...node.querySelectorAll('.button[data-data]')].filter((b) => b.dataset.data === wait.data)
      .forEach((b) => b.classList.add('waiting'));
  }
  return node;
}

function show(message, fresh) {
  const down = atBottom() || (fresh && message.from === 'person');
  const old = shown.get(message.message_id);
  const node = build(message);
  if (old) {
    old.node.replaceWith(node);
    const words = (m) => m.text || m.caption;
    if (words(old.data) !== words(message)) node.querySelector('.bubble').classList.add('flash');
    if (old.node.classList.contains('first')) node.classList.add('first');
  } else {
    const last = $('messages').lastElementChild;
    const previous = last && shown.get(Number(last.dataset.messageId));
    if (!previous || day(previous.data.date) !== day(message.date)) {
      $('messages').append(element('div', { className: 'day' },
          element('span', {}, day(message.date))));
    }
    node.classList.toggle('first', !previous || previous.data.from !== message.from);
    if (fresh) node.classList.add('new');
    $('messages').append(node);
  }
  shown.set(message.message_id, { data: message, node });
  if (!old && message.from === 'bot') {
    busy(null);
    if (message.keyboard || message.remove_keyboard) keyboard(message.keyboard);
    if (message.force_reply) $('input').focus();
  }
  if (down) requestAnimationFrame(toBottom);
  $('start').hidden = shown.size > 0;
  $('composer').hidden = shown.size === 0;
}

function atBottom() {
  const feed = $('feed');
  return feed.scrollHeight - feed.scrollTop - feed.clientHeight < 120;
}
function toBottom() { $('feed').scrollTop = $('feed').scrollHeight; }
function keepDown() { if (atBottom() || $('feed').dataset.follow === '1') toBottom(); }

function keyboard(rows) {
  markup = rows || null;
  $('keyboard').hidden = !markup;
  $('keyboard').replaceChildren(...(markup || []).map((row) => element('div', { className: 'row' },
    ...row.map((key) => {
      const text = typeof key === 'string' ? key : key.text;
      return element('button', { type: 'button', onclick: () => act.say(text) }, text);
    }))));
}

function busy(action) {
  clearTimeout(busyTimer);
  $('status').classList.toggle('busy', !!action);
  $('status').textContent = action ? ACTIONS[action] || 'занят' : 'бот';
  if (action) busyTimer = setTimeout(() => busy(null), 5000);
}

function toast(text) {
  clearTimeout(toastTimer);
  $('toast').textContent = text;
  $('toast').hidden = false;
  toastTimer = setTimeout(() => { $('toast').hidden = true; }, 3500);
}

function answered(answer) {
  calm(answer.message_id);
  if (answer.url) window.open(safeUrl(answer.url), '_blank', 'noopener');
  if (!answer.text) return;
  if (answer.show_alert) {
    $('alert-text').textContent = answer.text;
    $('alert').showModal();
  } else toast(answer.text);
}

function view(url) {
  $('viewer').querySelector('img').src = url;
  $('viewer').showModal();
}

// --- people

function line(chat) {
  const person = chat.person;
  const name = [person.first_name, person.last_name].filter(Boolean).join(' ');
  const kind = { photo: '🖼 Фото', video: '🎬 Видео', document: '📎 Файл' }[chat.media];
  const said = [kind, chat.text].filter(Boolean).join(' ') || 'Ещё нет сообщений';
  return element('a', { href: '/chat/' + person.id, className: person.id === chatId ? 'on' : '' },
    element('div', { className: 'face', style: 'background:' + colour(person.id) },
      [...name][0] || '?'),
    element('div', { className: 'lines' },
      element('div', { className: 'top' }, element('b', {}, name),
        chat.date ? element('time', {}, clock(chat.date)) : null),
      element('div', { className: 'last' }, (chat.from === 'person' ? 'Вы: ' : '') + said)));
}

function people() {
  const sorted = [...chats.values()].sort((a, b) => (b.date || 0) - (a.date || 0));
  $('list').replaceChildren(...sorted.map(line));
}

const NAMES = ['Аня', 'Борис', 'Вера', 'Глеб', 'Дина', 'Егор', 'Жанна', 'Захар', 'Ирина', 'Кирилл',
    'Лида', 'Марк', 'Нина', 'Олег'];

async function addPerson() {
  const name = NAMES[chats.size % NAMES.length];
  const answer = await fetch('/control/person',
      { method: 'POST', body: JSON.stringify({ first_name: name, language_code: 'ru' }) });
  location.href = '/chat/' + (await answer.json()).id;
}

// --- the wire

const EVENTS = {
  hello(event) {
    commands = event.commands;
    chats = new Map(event.chats.map((chat) => [chat.person.id, chat]));
    people();
    if (!event.person) return;
    const name = event.bot.first_name;
    $('title').textContent = name;
    document.title = name;
    $('face').textContent = [...name][0];
    $('face').style.background = colour(4);
    $('popup').dataset.blocked = event.blocked ? '1' : '';
    shown.clear();
    $('messages').replaceChildren();
    $('start').hidden = false;
    $('composer').hidden = true;
    busy(null);
    event.messages.forEach((message) => show(message, false));
    toBottom();
  },
  message(event) { show(event.message, true); },
  edit(event) { if (shown.has(event.message.message_id)) show(event.message, false); },
  delete(event) {
    const gone = shown.get(event.message_id);
    if (gone) gone.node.remove();
    shown.delete(event.message_id);
  },
  read(event) {
    const message = shown.get(event.message_id);
    if (message) { message.data.read = true; message.node.classList.add('read'); }
  },
  action(event) { busy(event.action); },
  answer(event) { answered(event.answer); },
  blocked(event) {
    $('popup').dataset.blocked = event.blocked ? '1' : '';
    toast(event.blocked ? 'Бот заблокирован' : 'Бот разблокирован');
  },
  commands(event) { commands = event.commands; },
  chat(event) { chats.set(event.chat.person.id, event.chat); people(); },
  done(event) { if (event.error) toast(event.error); },
};

function connect() {
  socket = new WebSocket('ws://' + location.host + (chatId ? `/chat/${chatId}/live` : '/live'));
  socket.onopen = () => { retry = 0; };
  socket.onmessage = (frame) => {
    const event = JSON.parse(frame.data);
    if (EVENTS[event.event]) EVENTS[event.event](event);
  };
  socket.onclose = () => {
    if (chatId) $('status').textContent = 'соединение…';
    setTimeout(connect, Math.min(5000, 300 * 2 ** retry++));
  };
}

// --- composing

function grow() {
  const input = $('input');
  input.style.height = '40px';
  input.style.height = Math.min(input.scrollHeight, 200) + 'px';
  hints(/^\/\w*$/.test(input.value) ? input.value.slice(1) : null);
}

function hints(prefix) {
  const found = prefix === null ? [] : commands.filter((c) => c.command.startsWith(prefix));
  $('hints').hidden = !found.length;
  $('hints').replaceChildren(...found.map((c) => element('button',
      { type: 'button', onclick: () => {
    act.say('/' + c.command);
    $('input').value = '';
    grow();
  } }, element('b', {}, '/' + c.command), c.description)));
}

function submit() {
  const text = $('input').value;
  if (!text.trim()) return;
  act.say(text);
  $('input').value = '';
  grow();
}

// Photos are made smaller and into JPEG, as messengers do; files go as they are.
async function compressed(file) {
  if (!/^image\/(png|jpeg|webp|gif|bmp)/.test(file.type)) return file;
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, 1280 / Math.max(bitmap.width, bitmap.height));
  const canvas = element('canvas', { width: Math.round(bitmap.width * scale),
      height: Math.round(bitmap.height * scale) });
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.87));
}

async function upload(files, kind, caption) {
  const form = new FormData();
  form.append('kind', kind);
  if (caption) form.append('caption', caption);
  for (const file of files) {
    const picture = kind === 'photo' && file.type.startsWith('image/');
    form.append('file', picture ? await compressed(file) : file, file.name);
  }
  const answer = await fetch(`/chat/${chatId}/upload`, { method: 'POST', body: form });
  const json = await answer.json();
  if (json.error) toast(json.error);
}

function draft(files, kind) {
  files = files.slice(0, 10);
  if (!files.length) return;
  if (kind === 'photo' && !files.every((f) => /^(image|video)\//.test(f.type))) kind = 'document';
  $('draft-title').textContent = kind === 'document' ? 'Отправить файлом'
    : files.length > 1 ? 'Отправить альбом' : 'Отправить';
  $('draft-items').replaceChildren(...files.map((file) => {
    if (kind === 'photo' && file.type.startsWith('image/')) {
      return element('img', { src: URL.createObjectURL(file) });
    }
    if (kind === 'photo') return element('video', { src: URL.createObjectURL(file), muted: true });
    return element('span', {}, `${file.name} · ${size(file.size)}`);
  }));
  $('draft-caption').value = $('input').value;
  $('draft').onclose = () => {
    if ($('draft').returnValue === 'yes') {
      upload(files, kind, $('draft-caption').value);
      $('input').value = '';
      grow();
    }
    $('draft').returnValue = '';
  };
  $('draft').showModal();
  $('draft-caption').focus();
}

function menu() {
  const blocked = $('popup').dataset.blocked === '1';
  const item = (text, go) => element('button',
      { type: 'button', onclick: () => { $('popup').hidden = true; go(); } }, text);
  $('popup').replaceChildren(
    item(blocked ? 'Разблокировать бота' : 'Заблокировать бота',
        () => act.tell({ do: 'block', blocked: !blocked })),
    item('Отправить /start', () => act.say('/start')));
  $('popup').hidden = !$('popup').hidden;
}

function wire() {
  $('add').onclick = addPerson;
  document.addEventListener('click', (event) => {
    for (const [popup, opener] of [['popup', 'menu'], ['attachments', 'attach'],
        ['hints', 'commands']]) {
      const inside = event.target.closest('#' + popup) || event.target.closest('#' + opener);
      if (!inside) $(popup).hidden = true;
    }
  });
  if (!chatId) return;
  $('app').classList.add('open');
  $('chat').hidden = false;
  $('menu').onclick = menu;
  $('start').onclick = () => act.say('/start');
  $('composer').onsubmit = (event) => { event.preventDefault(); submit(); };
  $('input').oninput = grow;
  $('input').onkeydown = (event) => {
    if (event.key === 'Enter' && !event.shiftKey
        && !event.isComposing) { event.preventDefault(); submit(); }
  };
  $('input').onpaste = (event) => {
    const files = [...event.clipboardData.files];
    if (files.length) { event.preventDefault(); draft(files, 'photo'); }
  };
  $('commands').onclick = () => ($('hints').hidden ? hints('') : hints(null));
  $('attach').onclick = () => { $('attachments').hidden = !$('attachments').hidden; };
  for (const node of $('attachments').querySelectorAll('button')) {
    node.onclick = () => {
      $('attachments').hidden = true;
      $('file').accept = node.dataset.kind === 'photo' ? 'image/*,video/*' : '';
      $('file').onchange = () => { draft([...$('file').files],
          node.dataset.kind); $('file').value = ''; };
      $('file').click();
    };
  }
  $('feed').onscroll = () => {
    $('down').hidden = atBottom();
    $('feed').dataset.follow = atBottom() ? '1' : '';
  };
  $('down').onclick = toBottom;
  $('feed').ondragover = (event) => event.preventDefault();
  $('feed').ondrop = (event) => { event.preventDefault(); draft([...event.dataTransfer.files],
      'photo'); };
  $('viewer').onclick = () => $('viewer').close();
}

wire();
connect();

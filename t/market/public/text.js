'use strict';
// Formatted text as elements, from text and entities. Never through innerHTML: the text is
// anybody's. Entity offsets are UTF-16 units, which is what JavaScript counts in too.

function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name in node && name !== 'style') node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined
      && child !== false));
  return node;
}

const TAGS = {
  bold: 'b', italic: 'i', underline: 'u', strikethrough: 's', code: 'code', pre: 'pre',
  blockquote: 'blockquote', expandable_blockquote: 'blockquote',
};

function safeUrl(url) {
  return /^(https?|tg|mailto|tel):/i.test(url) ? url : '#';
}

function entityElement(entity, text, act) {
  const link = (href) => element('a', { href: safeUrl(href), target: '_blank',
      rel: 'noopener noreferrer' });
  switch (entity.type) {
    case 'text_link': return link(entity.url);
    case 'url': return link(/^[a-z]+:/i.test(text) ? text : 'https://' + text);
    case 'bot_command': return element('span',
        { className: 'command', onclick: () => act.say(text) });
    case 'spoiler': {
      const node = element('span', { className: 'spoiler' });
      node.onclick = () => node.classList.add('open');
      return node;
    }
    case 'code': return element('code', { title: 'Скопировать', onclick: () => act.copy(text) });
    default: return element(TAGS[entity.type] || 'span');
  }
}

// Entities nest and do not cross, so one walk in order of offset is enough.
function formatted(text, entities, act) {
  const list = [...(entities || [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  const root = document.createDocumentFragment();
  const walk = (parent, from, to) => {
    let at = from;
    while (list.length && list[0].offset < to) {
      const entity = list.shift();
      const start = Math.max(entity.offset, at);
      const end = Math.min(entity.offset + entity.length, to);
      if (end <= start) continue;
      parent.append(text.slice(at, start));
      const node = entityElement(entity, text.slice(start, end), act);
      walk(node, start, end);
      parent.append(node);
      at = end;
    }
    parent.append(text.slice(at, to));
  };
  walk(root, 0, text.length);
  return root;
}

function size(bytes) {
  if (bytes < 1024) return bytes + ' Б';
  if (bytes < 1024 * 1024) return Math.round(bytes / 1024) + ' КБ';
  return (bytes / 1024 / 1024).toFixed(1).replace('.', ',') + ' МБ';
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString('ru', { hour: '2-digit', minute: '2-digit' });
}

function day(seconds) {
  const date = new Date(seconds * 1000);
  if (date.toDateString() === new Date().toDateString()) return 'Сегодня';
  return date.toLocaleDateString('ru', { day: 'numeric', month: 'long' });
}

function colour(id) {
  const hue = [12, 32, 145, 172, 205, 262, 330][id % 7];
  return `linear-gradient(160deg, hsl(${hue} 62% 62%), hsl(${hue + 14} 58% 46%))`;
}

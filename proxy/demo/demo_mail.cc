#include "proxy/demo/demo_mail.h"

#include <array>
#include <cassert>
#include <cstdint>
#include <cstdio>

namespace poplar::demo {
namespace {

constexpr std::array<DemoUser, 6> kUsers = {{
    {"alice@example.com", "alder"},
    {"bob@example.com", "birch"},
    {"carol@example.com", "cedar"},
    {"dave@example.com", "dogwood"},
    {"erin@example.com", "elm"},
    {"frank@example.com", "fir"},
}};

struct Letter {
  std::string_view headers;  // all but Date, To and Message-ID
  std::string_view body;
};

constexpr Letter kWelcome = {
    "From: Poplar <poplar@example.com>\n"
    "Subject: Welcome\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: 8bit\n",
    "Hello,\n"
    "\n"
    "this letter lies on a mail node that lives only in memory. It came to you through Poplar,\n"
    "which looked up your node, logged in there for you and relayed it byte by byte.\n"
    "\n"
    "Delete it if you like: with the end of the demo it is gone anyway.\n"
    "\n"
    "Kind regards\n"
    "Poplar\n"};

constexpr Letter kWalk = {
    "From: =?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <juergen@example.net>\n"
    "Subject: =?utf-8?q?Sonntag_im_Gr=C3=BCnen=3F?=\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: 8bit\n",
    "Grüß dich!\n"
    "\n"
    "Am Sonntag soll es schön werden. Gehen wir die Pappelallee hinunter zum Fluss?\n"
    "Ich bringe Käse mit, Zoë den Kuchen – und Łukasz vielleicht seine Gitarre. ♫\n"
    "\n"
    "日曜日に会いましょう。 До воскресенья!\n"
    "Jürgen\n"};

constexpr Letter kDots = {
    "From: Grace <grace@example.org>\n"
    "Subject: A recipe, and some dots\n",
    "The pancakes, as promised:\n"
    "\n"
    ".  3 eggs\n"
    ".. 250 g of flour (the two dots are on purpose)\n"
    "... half a litre of milk\n"
    ".\n"
    "That line above holds a single dot. If you can read this one, your mail program and\n"
    "everything in between did its dot-stuffing right.\n"
    "\n"
    "     . . . . .\n"
    "Grace\n"};

constexpr Letter kInvoice = {
    "From: Riverside Books <shop@example.net>\n"
    "Subject: Your order 2417\n"
    "MIME-Version: 1.0\n"
    "Content-Type: multipart/alternative; boundary=\"=_order-2417\"\n",
    "This is a message in MIME format.\n"
    "\n"
    "--=_order-2417\n"
    "Content-Type: text/plain; charset=us-ascii\n"
    "\n"
    "Thank you for your order.\n"
    "\n"
    "  1 x The Overstory            14.90\n"
    "  1 x Trees of the River Bank  22.00\n"
    "                               -----\n"
    "                               36.90\n"
    "\n"
    "--=_order-2417\n"
    "Content-Type: text/html; charset=us-ascii\n"
    "\n"
    "<html><body><p>Thank you for your order.</p><table>\n"
    "<tr><td>1 x The Overstory</td><td>14.90</td></tr>\n"
    "<tr><td>1 x Trees of the River Bank</td><td>22.00</td></tr>\n"
    "<tr><td></td><td><b>36.90</b></td></tr></table></body></html>\n"
    "\n"
    "--=_order-2417--\n"};

constexpr Letter kEmpty = {
    "From: Heidi <heidi@example.org>\n"
    "Subject: (All said in the subject: the train is at 9:40)\n",
    ""};

constexpr std::array<Letter, 5> kLetters = {kWelcome, kWalk, kDots, kInvoice, kEmpty};

std::string Compose(std::string_view to, int number, const Letter& letter) {
  char line[160];
  const int size = std::snprintf(line, sizeof(line),
                                 "Date: Mon, %02d Jun 2026 %02d:15:00 +0000\n"
                                 "Message-ID: <demo-%d-%.*s>\n",
                                 1 + 7 * (number % 4), 8 + number % 10, number,
                                 static_cast<int>(to.size()), to.data());
  assert(size > 0 && static_cast<size_t>(size) < sizeof(line));
  std::string text(line, static_cast<size_t>(size));
  text.append("To: ").append(to).append("\n");
  text.append(letter.headers).append("\n").append(letter.body);
  return text;
}

void AppendLittleEndian(std::string& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

// A BMP of 24 bits a pixel: an evening sky.
std::string Picture(int side) {
  const auto pixels = static_cast<uint32_t>(side * side * 3);
  std::string bmp = "BM";
  AppendLittleEndian(bmp, 54 + pixels, 4);
  AppendLittleEndian(bmp, 0, 4);
  AppendLittleEndian(bmp, 54, 4);
  AppendLittleEndian(bmp, 40, 4);
  AppendLittleEndian(bmp, static_cast<uint32_t>(side), 4);
  AppendLittleEndian(bmp, static_cast<uint32_t>(side), 4);
  AppendLittleEndian(bmp, 1, 2);
  AppendLittleEndian(bmp, 24, 2);
  AppendLittleEndian(bmp, 0, 4);
  AppendLittleEndian(bmp, pixels, 4);
  bmp.append(16, '\0');
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int glow = 255 - 255 * y / side;
      bmp += static_cast<char>(64 + 190 * y / side);         // blue
      bmp += static_cast<char>((glow + 64 * x / side) / 2);  // green
      bmp += static_cast<char>(glow);                        // red
    }
  }
  return bmp;
}

std::string Base64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr size_t kBytesPerLine = 57;  // 76 characters, RFC 2045 section 6.8
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    if (i > 0 && i % kBytesPerLine == 0) out += '\n';
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += i + k <= bytes.size() ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out + "\n";
}

}  // namespace

std::span<const DemoUser> DemoUsers() { return kUsers; }

std::string PictureMessage(std::string_view to, int side) {
  assert(side > 0 && side % 4 == 0);
  constexpr Letter kFrame = {
      "From: Judy <judy@example.org>\n"
      "Subject: The view from the bridge\n"
      "MIME-Version: 1.0\n"
      "Content-Type: multipart/mixed; boundary=\"=_bridge\"\n",
      "--=_bridge\n"
      "Content-Type: text/plain; charset=us-ascii\n"
      "\n"
      "Yesterday evening. No filter, only arithmetic.\n"
      "\n"
      "--=_bridge\n"
      "Content-Type: image/bmp; name=\"evening.bmp\"\n"
      "Content-Disposition: attachment; filename=\"evening.bmp\"\n"
      "Content-Transfer-Encoding: base64\n"
      "\n"};
  return Compose(to, 7, kFrame) + Base64(Picture(side)) + "\n--=_bridge--\n";
}

void AddDemoMail(MailStore& store) {
  constexpr int kSide = 224;  // about 200 KB
  for (size_t i = 0; i < kUsers.size(); ++i) {
    const DemoUser& user = kUsers[i];
    store.AddUser(user.name, user.password);
    // Not everybody has the same mail, and somebody has none: a STAT of 0 is worth a look, too.
    const size_t letters = i == kUsers.size() - 1 ? 0 : kLetters.size() - i % 3;
    for (size_t k = 0; k < letters; ++k) {
      store.AddMessage(user.name, Compose(user.name, static_cast<int>(k), kLetters[k]));
    }
    if (i % 2 == 0 && letters > 0) store.AddMessage(user.name, PictureMessage(user.name, kSide));
  }
}

}  // namespace poplar::demo

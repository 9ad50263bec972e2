// The numbers of the DNS message format.
// Knows RFC 1035 §4.1, RFC 6891 and the IANA registries, as far as Keryx uses them. Constants only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace zones {

inline constexpr std::size_t kHeaderSize = 12;
inline constexpr std::size_t kMaxMessageSize = 65535;
inline constexpr std::size_t kClassicUdpSize = 512;  // RFC 1035 §4.2.1
inline constexpr std::size_t kOptSize = 11;  // an OPT record without options (RFC 6891 §6.1.2)
/// What we advertise and never exceed over UDP: fits every path without fragments
/// (https://www.dnsflagday.net/2020/).
inline constexpr std::uint16_t kUdpSize = 1232;

// EDNS options (RFC 8914 §2, RFC 5001 §2.3): a code and a length before what they say.
inline constexpr std::uint16_t kServerIdOption = 3;
inline constexpr std::uint16_t kExtendedErrorOption = 15;
inline constexpr std::size_t kOptionHeadSize = 4;

enum class Rcode : std::uint16_t {
    NoError = 0,
    FormErr = 1,
    ServFail = 2,
    NxDomain = 3,
    NotImp = 4,
    Refused = 5,
    NotAuth = 9,
    BadVers = 16,  // its upper bits stand in the OPT record (RFC 6891 §6.1.3)
};

/// Extended DNS Errors (RFC 8914 §4).
namespace extended_error {
inline constexpr std::uint16_t kOther = 0;
inline constexpr std::uint16_t kStaleAnswer = 3;
inline constexpr std::uint16_t kCachedError = 13;
inline constexpr std::uint16_t kNotReady = 14;
inline constexpr std::uint16_t kBlocked = 15;
inline constexpr std::uint16_t kFiltered = 17;
inline constexpr std::uint16_t kProhibited = 18;
inline constexpr std::uint16_t kStaleNxDomain = 19;
inline constexpr std::uint16_t kNotAuthoritative = 20;
inline constexpr std::uint16_t kNotSupported = 21;
inline constexpr std::uint16_t kNoReachableAuthority = 22;
inline constexpr std::uint16_t kNetworkError = 23;
}  // namespace extended_error

namespace qtype {
inline constexpr std::uint16_t kA = 1;
inline constexpr std::uint16_t kNs = 2;
inline constexpr std::uint16_t kCname = 5;
inline constexpr std::uint16_t kSoa = 6;
inline constexpr std::uint16_t kPtr = 12;
inline constexpr std::uint16_t kHinfo = 13;
inline constexpr std::uint16_t kTxt = 16;
inline constexpr std::uint16_t kAaaa = 28;
inline constexpr std::uint16_t kSrv = 33;
inline constexpr std::uint16_t kOpt = 41;
inline constexpr std::uint16_t kDs = 43;
inline constexpr std::uint16_t kTsig = 250;
inline constexpr std::uint16_t kIxfr = 251;
inline constexpr std::uint16_t kAxfr = 252;
inline constexpr std::uint16_t kAny = 255;
}  // namespace qtype

inline constexpr std::uint16_t kClassIn = 1;
inline constexpr std::uint16_t kClassCh = 3;

// Octets 2 and 3 of the header (RFC 1035 §4.1.1, RFC 4035 §3).
namespace header {
inline constexpr std::uint8_t kQr = 0x80;
inline constexpr std::uint8_t kOpcodeMask = 0x78;
inline constexpr std::uint8_t kAa = 0x04;
inline constexpr std::uint8_t kTc = 0x02;
inline constexpr std::uint8_t kRd = 0x01;
inline constexpr std::uint8_t kRa = 0x80;
inline constexpr std::uint8_t kZ = 0x40;
inline constexpr std::uint8_t kAd = 0x20;
inline constexpr std::uint8_t kCd = 0x10;
inline constexpr std::uint8_t kRcodeMask = 0x0f;
}  // namespace header

enum class Section : std::uint8_t { Answer, Authority, Additional };

constexpr std::uint16_t read_u16(const std::uint8_t* at) {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

constexpr void write_u16(std::uint8_t* at, std::size_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

constexpr std::uint32_t read_u32(const std::uint8_t* at) {
    return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
           static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}

constexpr void write_u32(std::uint8_t* at, std::uint32_t value) {
    write_u16(at, value >> 16);
    write_u16(at + 2, value & 0xffff);
}

}  // namespace zones

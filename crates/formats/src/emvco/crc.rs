//! CRC-16 of tag 63 (EMVCo MPM 1.1, requirements of 63): polynomial 0x1021, initial value 0xFFFF, not reflected, no final
//! xor; known as CRC-16/CCITT-FALSE or CRC-16/IBM-3740.

/// The check sum over the UTF-8 bytes of everything that stands before the four hex digits, `6304` included.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0xFFFF_u16;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    crc
}
